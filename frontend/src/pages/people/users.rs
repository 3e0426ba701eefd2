//! The grid of users.

use crate::api::{self, Options, session};
use crate::models::list::ListQuery;
use crate::models::words::Tone;
use crate::ui::*;
use contract::{User, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;

async fn fetch(query: ListQuery) -> Result<Loaded<User>, contract::Problem> {
    let page = api::call(&ep::LIST_USERS, &[], Options::query(query.params()), &()).await?;
    Ok(Loaded { items: page.items, total: page.total })
}

#[component]
pub fn UserList() -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let list = use_list(ListQuery::sorted_by("username"), &[], |_| false, fetch);
    let doomed = RwSignal::new(None::<(i64, String)>);
    let asking = RwSignal::new(false);
    let deleting = RwSignal::new(false);
    let delete = move |()| {
        let Some((id, name)) = doomed.get_untracked() else { return };
        deleting.set(true);
        leptos::task::spawn_local(async move {
            match api::bare(&ep::DELETE_USER, &[&id.to_string()]).await {
                Ok(()) => toaster.good(format!("The user “{name}” was deleted.")),
                Err(problem) => toaster.problem(&problem),
            }
            deleting.try_set(false);
            asking.try_set(false);
            list.reload();
        });
    };
    let columns = vec![
        Column::new("User name", |u: &User| {
            strong_link(format!("/users/{}", u.id), u.username.clone())
        })
        .sort("username")
        .class("lead"),
        Column::new("Role", |u: &User| {
            let (href, role) = (format!("/roles/{}", u.role_id), u.role.clone());
            view! { <A href=href>{role}</A> }.into_any()
        }),
        Column::new("Status", |u: &User| {
            let (tone, text) = if u.enabled { (Tone::Good, "Enabled") } else { (Tone::Neutral, "Disabled") };
            view! { <Badge tone text/> }.into_any()
        }),
        Column::new("Last sign-in", |u: &User| match u.last_sign_in_at {
            Some(at) => view! { <When at/> }.into_any(),
            None => view! { <span class="mute">"Never"</span> }.into_any(),
        }),
        Column::new("Actions", move |u: &User| {
            let (id, name) = (u.id, u.username.clone());
            let me = session::me().is_some_and(|m| m.id == id);
            let doom = name.clone();
            view! {
                <span class="row-actions">
                    <A href=format!("/users/{id}") attr:class="btn icon-only quiet" attr:aria-label=format!("Edit {name}") attr:title="Edit">
                        <Icon icon=lu::LuPencil/>
                    </A>
                    {(!me && session::allows(&ep::DELETE_USER)).then(|| view! {
                        <button
                            type="button"
                            class="btn icon-only quiet"
                            aria-label=format!("Delete {name}")
                            title="Delete"
                            on:click=move |_| {
                                doomed.set(Some((id, doom.clone())));
                                asking.set(true);
                            }
                        >
                            <Icon icon=lu::LuTrash2/>
                        </button>
                    })}
                </span>
            }
            .into_any()
        })
        .class("actions"),
    ];
    view! {
        <PageHeader title="Users" text="Who may sign in.">
            {move || session::allows(&ep::CREATE_USER).then(|| view! {
                <A href="/users/new" attr:class="btn primary"><Icon icon=lu::LuPlus/>"Add user"</A>
            })}
        </PageHeader>
        <div class="card flush">
            {grid(list, "Users", columns, |u| format!("{}-{}", u.id, u.revision), || view! {
                <EmptyState icon=lu::LuUsers title="No users" text="Nobody can sign in."/>
            }.into_any())}
        </div>
        <Confirm
            open=asking
            title=Signal::derive(move || format!("Delete the user “{}”?", doomed.get().map(|d| d.1).unwrap_or_default()))
            text="They are signed out at once and can no longer sign in. What they did stays in the logs."
            action="Delete"
            busy=deleting
            on_confirm=delete
        />
    }
}
