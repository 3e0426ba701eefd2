//! The whole: what everybody finds in the context, and which page stands where.

use crate::api::session::{self, Status};
use crate::pages::{
    dashboard::Dashboard, logs, people, sets, settings::Configuration, shell::Shell, source::Source, welcome,
};
use crate::ui::{Clock, NotFound, ThemeChoice, Toaster, Toasts};
use leptos::prelude::*;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

/// Which of the worlds is shown; a change of the user's details does not rebuild the pages.
#[derive(Clone, Copy, PartialEq)]
enum World {
    Loading,
    Unreachable,
    Setup,
    SignIn,
    Pages,
}

#[component]
pub fn App() -> impl IntoView {
    // Before the router starts to listen.
    crate::ui::guard_history();
    provide_context(Toaster::new());
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
            Status::SignedIn(_) => World::Pages,
        })
    });
    view! {
        <Router>
            {move || match world.get() {
                World::Loading => view! { <welcome::Loading/> }.into_any(),
                World::Unreachable => view! { <welcome::Unreachable/> }.into_any(),
                World::Setup => view! { <welcome::Setup/> }.into_any(),
                World::SignIn => view! { <welcome::SignIn/> }.into_any(),
                World::Pages => view! { <Pages/> }.into_any(),
            }}
        </Router>
        <Toasts/>
    }
}

#[component]
fn Pages() -> impl IntoView {
    provide_context(Source::new());
    view! {
        <Shell>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=Dashboard/>
                <Route path=path!("/backups") view=sets::SetList/>
                <Route path=path!("/backups/new") view=sets::NewSet/>
                <Route path=path!("/backups/:id") view=sets::EditSet/>
                <Route path=path!("/logs") view=logs::LogList/>
                <Route path=path!("/logs/:id") view=logs::LogPage/>
                <Route path=path!("/config") view=Configuration/>
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
