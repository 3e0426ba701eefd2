//! The grid of roles.

use crate::api::{self, Options, session};
use crate::models::list::ListQuery;
use crate::models::words::Tone;
use crate::models::{access, format};
use crate::ui::*;
use contract::{Resource, Role, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;

async fn fetch(query: ListQuery) -> Result<Loaded<Role>, contract::Problem> {
    let page = api::call(&ep::LIST_ROLES, &[], Options::query(query.params()), &()).await?;
    Ok(Loaded { items: page.items, total: page.total })
}

#[component]
pub fn RoleList() -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let list = use_list(ListQuery::sorted_by("name"), &[], |_| false, fetch);
    let doomed = RwSignal::new(None::<(i64, String)>);
    let asking = RwSignal::new(false);
    let deleting = RwSignal::new(false);
    let delete = move |()| {
        let Some((id, name)) = doomed.get_untracked() else { return };
        deleting.set(true);
        leptos::task::spawn_local(async move {
            match api::bare(&ep::DELETE_ROLE, &[&id.to_string()]).await {
                Ok(()) => toaster.good(format!("The role “{name}” was deleted.")),
                Err(problem) => toaster.problem(&problem),
            }
            deleting.try_set(false);
            asking.try_set(false);
            list.reload();
        });
    };
    let columns = vec![
        Column::new("Role", |r: &Role| {
            let built_in = r.built_in;
            let link = strong_link(format!("/roles/{}", r.id), r.name.clone());
            view! {
                {link}
                {built_in.then(|| view! { " "<Badge tone=Tone::Neutral text="Built in"/> })}
            }
            .into_any()
        })
        .sort("name")
        .class("lead"),
        Column::new("May use", |r: &Role| {
            let top = r.resources.iter().filter(|r| r.parent().is_none());
            let names: Vec<&str> = top.map(|r| access::describe(*r).0).collect();
            let text = match (r.resources.len(), names.is_empty()) {
                (n, _) if n == Resource::ALL.len() => "Everything".to_string(),
                (_, true) => "Nothing".into(),
                _ => names.join(", "),
            };
            view! { <span class="wrap">{text}</span> }.into_any()
        }),
        Column::new("Users", |r: &Role| format::count(r.users).into_any()).class("num"),
        Column::new("Actions", move |r: &Role| {
            let (id, name, fixed, used) = (r.id, r.name.clone(), r.built_in, r.users > 0);
            let doom = name.clone();
            view! {
                <span class="row-actions">
                    <A
                        href=format!("/roles/{id}")
                        attr:class="btn icon-only quiet"
                        attr:aria-label=if fixed { format!("See {name}") } else { format!("Edit {name}") }
                    >
                        {if fixed { view! { <Icon icon=lu::LuEye/> } } else { view! { <Icon icon=lu::LuPencil/> } }}
                    </A>
                    {(!fixed && !used && session::allows(&ep::DELETE_ROLE)).then(|| view! {
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
        <PageHeader title="Roles" text="What somebody may do. Every user has one role.">
            {move || session::allows(&ep::CREATE_ROLE).then(|| view! {
                <A href="/roles/new" attr:class="btn primary"><Icon icon=lu::LuPlus/>"Add role"</A>
            })}
        </PageHeader>
        <div class="card flush">
            {grid(list, "Roles", columns, |r| format!("{}-{}-{}", r.id, r.revision, r.users), || view! {
                <EmptyState icon=lu::LuShieldCheck title="No roles" text="A role is a list of what somebody may do."/>
            }.into_any())}
        </div>
        <Confirm
            open=asking
            title=Signal::derive(move || format!("Delete the role “{}”?", doomed.get().map(|d| d.1).unwrap_or_default()))
            text="Nobody has it, so nobody loses access."
            action="Delete"
            busy=deleting
            on_confirm=delete
        />
    }
}
