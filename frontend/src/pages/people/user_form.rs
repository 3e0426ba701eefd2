//! The form of a user.

use crate::api::{self, Options, session};
use crate::models::password;
use crate::ui::*;
use contract::{Check, FieldError, Problem, ProblemCode, Role, User, UserInput, endpoints as ep};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::hooks::{use_navigate, use_params_map};

const CRUMBS: [(&str, &str); 1] = [("/users", "Users")];

#[component]
pub fn NewUser() -> impl IntoView {
    view! {
        <PageHeader title="Add user" crumbs=CRUMBS.to_vec()/>
        <UserPage user=None reload=|()| ()/>
    }
}

#[component]
pub fn EditUser() -> impl IntoView {
    let params = use_params_map();
    let loaded = RwSignal::new(None::<Result<User, Problem>>);
    let load = move || {
        let id = params.with_untracked(|p| p.get("id").unwrap_or_default());
        loaded.set(None);
        leptos::task::spawn_local(async move {
            let result = api::bare(&ep::GET_USER, &[&id]).await;
            loaded.try_set(Some(result));
        });
    };
    load();
    let title = Signal::derive(move || match loaded.get() {
        Some(Ok(user)) => user.username,
        _ => "User".into(),
    });
    view! {
        <PageHeader title crumbs=CRUMBS.to_vec()/>
        {move || match loaded.get() {
            None => view! { <div class="card"><Skeleton lines=5/></div> }.into_any(),
            Some(Err(problem)) => view! { <div class="card"><ErrorState problem retry=move |()| load()/></div> }.into_any(),
            Some(Ok(user)) => view! { <UserPage user=Some(user) reload=move |()| load()/> }.into_any(),
        }}
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Typed {
    username: String,
    password: String,
    role_id: String,
    enabled: bool,
}

impl Typed {
    fn of(user: Option<&User>) -> Self {
        match user {
            Some(u) => Typed {
                username: u.username.clone(),
                password: String::new(),
                role_id: u.role_id.to_string(),
                enabled: u.enabled,
            },
            None => Typed {
                username: String::new(),
                password: String::new(),
                role_id: String::new(),
                enabled: true,
            },
        }
    }

    fn input(&self) -> UserInput {
        UserInput {
            username: self.username.trim().into(),
            password: Some(self.password.clone()).filter(|p| !p.is_empty()),
            role_id: self.role_id.parse().unwrap_or(0),
            enabled: self.enabled,
        }
    }

    /// The wire's rules, and what it leaves to the server: a new user needs a password, and everybody a role.
    fn mistakes(&self, new: bool) -> Vec<FieldError> {
        let mut errors = self.input().check();
        if new && self.password.is_empty() {
            errors.push(FieldError::new("password", "required", "Choose a password for the new user."));
        }
        if self.role_id.is_empty() {
            errors.push(FieldError::new("role_id", "required", "Choose a role."));
        }
        errors
    }
}

#[component]
fn UserPage(user: Option<User>, #[prop(into)] reload: Callback<()>) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let navigate = use_navigate();
    let (id, revision) = (user.as_ref().map(|u| u.id), user.as_ref().map(|u| u.revision));
    let start = Typed::of(user.as_ref());
    let typed = RwSignal::new(start.clone());
    let saved = RwSignal::new(start);
    let dirty = Signal::derive(move || typed.with(|t| saved.with(|s| t != s)));
    let form = Form::new(move || typed.with(|t| t.mistakes(id.is_none())));
    provide_context(form);
    let (busy, conflict) = (RwSignal::new(false), RwSignal::new(false));
    let roles = RwSignal::new(Vec::<Role>::new());
    leptos::task::spawn_local(async move {
        let all = Options::query(vec![("per_page", "200".into()), ("sort", "name".into())]);
        match api::call(&ep::LIST_ROLES, &[], all, &()).await {
            Ok(page) => {
                roles.try_set(page.items);
            }
            Err(problem) => toaster.problem(&problem),
        }
    });
    let options = Signal::derive(move || {
        let mut options =
            roles.with(|r| r.iter().map(|r| (r.id.to_string(), r.name.clone())).collect::<Vec<_>>());
        if typed.with(|t| t.role_id.is_empty()) {
            options.insert(0, (String::new(), "Choose a role".into()));
        }
        options
    });
    let save = move |force: bool| {
        busy.set(true);
        // The page may be gone when the answer comes.
        let (sent, navigate) = (typed.get_untracked(), navigate.clone());
        let input = sent.input();
        let based_on = revision.filter(|_| !force);
        leptos::task::spawn_local(async move {
            let result = match id {
                Some(id) => {
                    api::call(&ep::UPDATE_USER, &[&id.to_string()], Options::if_match(based_on), &input).await
                }
                None => api::call(&ep::CREATE_USER, &[], Options::none(), &input).await,
            };
            match result {
                Ok(user) => {
                    let left = saved.try_set(sent).is_some();
                    toaster.good(format!("The user “{}” was saved.", user.username));
                    if !left {
                        navigate("/users", Default::default());
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
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !busy.get_untracked() && form.submit() {
            save(false);
        }
    };
    let (username, set_username) = create_slice(typed, |t| t.username.clone(), |t, v| t.username = v);
    let (word, set_word) = create_slice(typed, |t| t.password.clone(), |t, v| t.password = v);
    let (role, set_role) = create_slice(typed, |t| t.role_id.clone(), |t, v| t.role_id = v);
    let (enabled, set_enabled) = create_slice(typed, |t| t.enabled, |t, v| t.enabled = v);
    let judged = Signal::derive(move || typed.with(|t| password::judge(&t.password, &t.username)));
    let me = session::me().is_some_and(|m| Some(m.id) == id);
    let hint = if id.is_some() {
        "Leave it empty to keep the one they have. A new one ends their sessions."
    } else {
        ""
    };
    view! {
        <LeaveGuard dirty/>
        <Conflict open=conflict what="This user" on_reload=reload on_overwrite=move |()| overwrite(true) busy/>
        <form novalidate on:submit=submit>
            <FormProblem/>
            <Card title="Sign-in">
                <div class="fields two">
                    <TextField name="username" label="User name" value=username set=set_username autocomplete="off" required=true/>
                    <div>
                        <TextField name="password" label=if id.is_some() { "New password" } else { "Password" } kind="password" hint value=word set=set_word autocomplete="new-password"/>
                        {move || word.with(|p| !p.is_empty()).then(|| view! { <StrengthMeter judged/> })}
                    </div>
                </div>
            </Card>
            <Card title="Access">
                <div class="fields two">
                    <SelectField name="role_id" label="Role" value=role set=set_role options/>
                    <Switch
                        label="Enabled"
                        hint=if me { "You cannot disable yourself." } else { "Disabling ends every session and API token of this user." }
                        value=enabled
                        set=set_enabled
                        disabled=me
                    />
                </div>
            </Card>
            <FormActions busy dirty label="Save user" cancel="/users"/>
        </form>
    }
}
