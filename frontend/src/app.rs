//! The whole: what everybody finds in the context, and which page stands where.

use crate::api::session::{self, Status};
use crate::models::session::{Change, change, grants};
use crate::pages::{
    alerts::AlertsPage, dashboard::Dashboard, logs, people, sets, settings::Configuration, shell::Shell,
    source::Source, storages, welcome,
};
use crate::ui::{Clock, NotFound, Revisit, ThemeChoice, Toaster, Toasts};
use contract::{Grants, Me};
use leptos::prelude::*;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

/// Which of the worlds is shown. The pages are built for one user and what they may do; a session that ended, and began again, does
/// not rebuild them.
#[derive(Clone, PartialEq)]
enum World {
    Loading,
    Unreachable,
    Setup,
    SignIn,
    Pages(i64, Grants),
}

#[component]
pub fn App() -> impl IntoView {
    // Before the router starts to listen.
    crate::ui::guard_history();
    let toaster = Toaster::new();
    provide_context(toaster);
    provide_context(ThemeChoice::load());
    provide_context(Clock::start());
    leptos::task::spawn_local(session::start());
    let status = session::status();
    let world = Memo::new(move |_| {
        status.with(|s| match s {
            Status::Loading => World::Loading,
            Status::Unreachable(_) => World::Unreachable,
            Status::SetupNeeded => World::Setup,
            Status::SignedOut { .. } => World::SignIn,
            Status::SignedIn(me) | Status::Expired(me) => World::Pages(me.id, grants(me)),
        })
    });
    tell_changes(toaster);
    view! {
        <Router>
            {move || match world.get() {
                World::Loading => view! { <welcome::Loading/> }.into_any(),
                World::Unreachable => view! { <welcome::Unreachable/> }.into_any(),
                World::Setup => view! { <welcome::Setup/> }.into_any(),
                World::SignIn => view! { <welcome::SignIn/> }.into_any(),
                World::Pages(..) => view! { <Pages/> }.into_any(),
            }}
        </Router>
        <Toasts/>
    }
}

/// Says why the pages were built anew under somebody's hands.
fn tell_changes(toaster: Toaster) {
    let status = session::status();
    Effect::new(move |before: Option<Option<Me>>| {
        let now = status.with(|s| s.user().cloned());
        if let (Some(Some(before)), Some(now)) = (&before, &now) {
            match change(before, now) {
                Change::None => {}
                Change::Rights => toaster.good("What you may do has changed. The pages show what it is now."),
                Change::Person => toaster.good(format!("You are signed in as “{}” now.", now.username)),
            }
        }
        now
    });
}

#[component]
fn Pages() -> impl IntoView {
    provide_context(Source::new());
    provide_context(storages::known::Known::new());
    provide_context(Revisit::new());
    let status = session::status();
    let expired = Memo::new(move |_| status.with(|s| matches!(s, Status::Expired(_))));
    view! {
        {move || expired.get().then(|| view! { <welcome::SignInAgain/> })}
        <Shell>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=Dashboard/>
                <Route path=path!("/backups") view=sets::SetList/>
                <Route path=path!("/backups/new") view=sets::NewSet/>
                <Route path=path!("/backups/:id") view=sets::EditSet/>
                <Route path=path!("/storages") view=storages::StorageList/>
                <Route path=path!("/storages/new") view=storages::NewStorage/>
                <Route path=path!("/storages/:id") view=storages::EditStorage/>
                <Route path=path!("/logs") view=logs::LogList/>
                <Route path=path!("/logs/:id") view=logs::LogPage/>
                <Route path=path!("/config") view=Configuration/>
                <Route path=path!("/config/alerts") view=AlertsPage/>
                <Route path=path!("/users") view=people::UserList/>
                <Route path=path!("/users/new") view=people::NewUser/>
                <Route path=path!("/users/:id") view=people::EditUser/>
                <Route path=path!("/roles") view=people::RoleList/>
                <Route path=path!("/roles/new") view=people::NewRole/>
                <Route path=path!("/roles/:id") view=people::EditRole/>
                <Route path=path!("/account/password") view=people::ChangePassword/>
            </Routes>
        </Shell>
    }
}
