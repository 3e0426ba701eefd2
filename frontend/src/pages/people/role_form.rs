//! The form of a role: a name and what it allows.

use crate::api::{self, Options, session};
use crate::models::access;
use crate::models::words::Tone;
use crate::ui::*;
use contract::{Check, Problem, ProblemCode, Resource, Role, RoleInput, endpoints as ep};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::hooks::{use_navigate, use_params_map};

const CRUMBS: [(&str, &str); 1] = [("/roles", "Roles")];

#[component]
pub fn NewRole() -> impl IntoView {
    view! {
        <PageHeader title="Add role" crumbs=CRUMBS.to_vec()/>
        <RolePage role=None reload=|()| ()/>
    }
}

#[component]
pub fn EditRole() -> impl IntoView {
    let params = use_params_map();
    let loaded = RwSignal::new(None::<Result<Role, Problem>>);
    let load = move || {
        let id = params.with_untracked(|p| p.get("id").unwrap_or_default());
        loaded.set(None);
        leptos::task::spawn_local(async move {
            let result = api::bare(&ep::GET_ROLE, &[&id]).await;
            loaded.try_set(Some(result));
        });
    };
    load();
    let title = Signal::derive(move || match loaded.get() {
        Some(Ok(role)) => role.name,
        _ => "Role".into(),
    });
    view! {
        <PageHeader title crumbs=CRUMBS.to_vec()/>
        {move || match loaded.get() {
            None => view! { <div class="card"><Skeleton lines=8/></div> }.into_any(),
            Some(Err(problem)) => view! { <div class="card"><ErrorState problem retry=move |()| load()/></div> }.into_any(),
            Some(Ok(role)) => view! { <RolePage role=Some(role) reload=move |()| load()/> }.into_any(),
        }}
    }
}

#[component]
fn RolePage(role: Option<Role>, #[prop(into)] reload: Callback<()>) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let navigate = use_navigate();
    let (id, revision) = (role.as_ref().map(|r| r.id), role.as_ref().map(|r| r.revision));
    let built_in = role.as_ref().is_some_and(|r| r.built_in);
    let start = match role {
        Some(role) => RoleInput { name: role.name, resources: role.resources },
        None => RoleInput { name: String::new(), resources: Vec::new() },
    };
    let typed = RwSignal::new(start.clone());
    let saved = RwSignal::new(start);
    let dirty = Signal::derive(move || typed.with(|t| saved.with(|s| t != s)));
    let form = Form::new(move || typed.with(|t| t.check()));
    provide_context(form);
    let (busy, conflict) = (RwSignal::new(false), RwSignal::new(false));
    let save = move |force: bool| {
        busy.set(true);
        let (input, navigate) = (typed.get_untracked(), navigate.clone());
        let based_on = revision.filter(|_| !force);
        leptos::task::spawn_local(async move {
            let result = match id {
                Some(id) => {
                    api::call(&ep::UPDATE_ROLE, &[&id.to_string()], Options::if_match(based_on), &input).await
                }
                None => api::call(&ep::CREATE_ROLE, &[], Options::none(), &input).await,
            };
            match result {
                Ok(role) => {
                    let left = saved.try_set(input).is_some();
                    toaster.good(format!("The role “{}” was saved.", role.name));
                    if !left {
                        navigate("/roles", Default::default());
                    }
                }
                Err(problem) if problem.code == ProblemCode::Changed => {
                    conflict.try_set(true);
                }
                Err(problem) => form.refuse(problem),
            }
            busy.try_set(false);
        });
    };
    let overwrite = save.clone();
    let editable = !built_in
        && if id.is_some() { session::allows(&ep::UPDATE_ROLE) } else { session::allows(&ep::CREATE_ROLE) };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if editable && !busy.get_untracked() && form.submit() {
            save(false);
        }
    };
    let (name, set_name) = create_slice(typed, |t| t.name.clone(), |t, v| t.name = v);
    let top = || Resource::ALL.into_iter().filter(|r| r.parent().is_none());
    view! {
        <LeaveGuard dirty/>
        <Conflict open=conflict what="This role" on_reload=reload on_overwrite=move |()| overwrite(true) busy/>
        {built_in.then(|| view! {
            <Notice tone=Tone::Info><p>"This role is built in and stays as it is. Add a role of your own for other permissions."</p></Notice>
        })}
        <form novalidate on:submit=submit>
            <FormProblem/>
            <fieldset class="bare" disabled=!editable>
                <Card title="Role">
                    <TextField name="name" label="Name" value=name set=set_name required=true autocomplete="off"/>
                </Card>
                <Card title="Permissions" hint="A nested permission needs the one above it.">
                    <ul class="tree" aria-label="Permissions">
                        {top().map(|resource| view! {
                            <li>
                                <Permission typed resource/>
                                <ul>
                                    {Resource::ALL.into_iter().filter(|r| r.parent() == Some(resource)).map(|nested| view! {
                                        <li><Permission typed resource=nested/></li>
                                    }).collect_view()}
                                </ul>
                            </li>
                        }).collect_view()}
                    </ul>
                    <FieldMessage name="resources"/>
                </Card>
            </fieldset>
            {editable.then(|| view! { <FormActions busy dirty label="Save role" cancel="/roles"/> })}
        </form>
    }
}

#[component]
fn Permission(typed: RwSignal<RoleInput>, resource: Resource) -> impl IntoView {
    let (name, note) = access::describe(resource);
    let held = Memo::new(move |_| typed.with(|t| t.resources.contains(&resource)));
    // "Delete" alone would not say what.
    let label = match resource.parent() {
        Some(parent) => format!("{}: {name}", access::describe(parent).0),
        None => name.into(),
    };
    view! {
        <label class="tree-row" class:checked=move || held.get()>
            <input
                type="checkbox"
                aria-label=label
                prop:checked=move || held.get()
                on:change:target=move |event| {
                    let on = event.target().checked();
                    typed.update(|t| access::toggle(&mut t.resources, resource, on));
                }
            />
            <span class="tree-name">{name}</span>
            <span class="tree-note">{note}</span>
        </label>
    }
}
