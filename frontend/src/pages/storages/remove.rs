//! Deleting a Storage Set: asks first, and names the Backup Sets that are in the way.

use crate::api::{self, session};
use crate::ui::*;
use contract::{ProblemCode, StorageSet, UsedBy, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;

/// Open while it holds one.
#[component]
pub fn DeleteDialog(
    doomed: RwSignal<Option<StorageSet>>,
    #[prop(into)] on_done: Callback<()>,
) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let open = RwSignal::new(false);
    let busy = RwSignal::new(false);
    Effect::new(move |_| {
        if doomed.with(Option::is_some) {
            open.set(true);
        }
    });
    Effect::new(move |_| {
        if !open.get() {
            doomed.set(None);
        }
    });
    let delete = move |()| {
        let Some(StorageSet { id, title, .. }) = doomed.get_untracked() else { return };
        busy.set(true);
        leptos::task::spawn_local(async move {
            let path = id.to_string();
            match api::bare(&ep::DELETE_STORAGE, &[&path]).await {
                Ok(()) => {
                    toaster.good(format!("“{title}” was deleted. What is stored there is still there."));
                    open.try_set(false);
                }
                // Somebody has just begun to use it: which Sets those are stands in the row.
                Err(problem) if problem.code == ProblemCode::InUse => {
                    match api::bare(&ep::GET_STORAGE, &[&path]).await {
                        Ok(now) if !now.used_by.is_empty() => {
                            doomed.try_set(Some(now));
                        }
                        _ => toaster.problem(&problem),
                    }
                }
                Err(problem) => {
                    toaster.problem(&problem);
                    open.try_set(false);
                }
            }
            busy.try_set(false);
            // The page may have been left meanwhile.
            on_done.try_run(());
        });
    };
    let users =
        Memo::new(move |_| doomed.with(|d| d.as_ref().map(|d| d.used_by.clone()).unwrap_or_default()));
    let title = Signal::derive(move || {
        let name = doomed.with(|d| d.as_ref().map(|d| d.title.clone()).unwrap_or_default());
        if users.with(Vec::is_empty) {
            format!("Delete “{name}”?")
        } else {
            format!("“{name}” is in use")
        }
    });
    view! {
        <Dialog open title>
            {move || if users.with(Vec::is_empty) {
                view! {
                    <p>"The Storage Set and its keys go. What is stored at the destination stays there."</p>
                    <div class="dialog-actions">
                        <button type="button" class="btn" autofocus on:click=move |_| open.set(false)>"Cancel"</button>
                        <BusyButton busy kind="button" class="btn danger" on_press=delete>"Delete"</BusyButton>
                    </div>
                }.into_any()
            } else {
                view! {
                    <p>"These Backup Sets send copies there. Remove it from their destinations first."</p>
                    <UserList users=users.get()/>
                    <div class="dialog-actions">
                        <button type="button" class="btn" autofocus on:click=move |_| open.set(false)>"Close"</button>
                    </div>
                }.into_any()
            }}
        </Dialog>
    }
}

/// Backup Sets by name, as links for who may follow them.
#[component]
pub fn UserList(users: Vec<UsedBy>) -> impl IntoView {
    let linked = session::allows(&ep::GET_BACKUP);
    view! {
        <ul class="plain-list" aria-label="Used by">
            {users.into_iter().map(|set| view! {
                <li>
                    <Icon icon=lu::LuBoxes/>
                    {if linked {
                        view! { <A href=format!("/backups/{}", set.id)>{set.title}</A> }.into_any()
                    } else {
                        view! { <span>{set.title}</span> }.into_any()
                    }}
                </li>
            }).collect_view()}
        </ul>
    }
}
