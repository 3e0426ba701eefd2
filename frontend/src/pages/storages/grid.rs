//! The grid of Storage Sets.

use super::icon;
use super::remove::DeleteDialog;
use super::trial::{TestDialog, Tested};
use crate::api::{self, Options, session};
use crate::models::list::ListQuery;
use crate::models::storage_words;
use crate::models::words::{self, Tone};
use crate::ui::*;
use contract::{StorageSet, UsedBy, endpoints as ep};
use leptos::prelude::*;
use leptos_router::components::A;

/// Backup Sets that are named; more are counted.
const NAMED: usize = 2;

async fn fetch(query: ListQuery) -> Result<Loaded<StorageSet>, contract::Problem> {
    let page = api::call(&ep::LIST_STORAGES, &[], Options::query(query.params()), &()).await?;
    Ok(Loaded { items: page.items, total: page.total })
}

#[component]
pub fn StorageList() -> impl IntoView {
    let list = use_list(ListQuery::sorted_by("title"), &["type", "enabled"], |_| false, fetch);
    let doomed = RwSignal::new(None::<StorageSet>);
    let tested = RwSignal::new(None::<Tested>);
    let columns = vec![
        Column::new("Title", |s: &StorageSet| {
            let link = strong_link(format!("/storages/{}", s.id), s.title.clone());
            let off = !s.enabled;
            let (icon, kind) = (icon(s.kind), words::storage_type(s.kind));
            view! {
                <span class="titled">
                    <span class="choice-icon small"><Icon icon/></span>
                    <span class="stack">
                        <span>
                            {link}
                            {off.then(|| view! { " "<Badge tone=Tone::Neutral text="Off"/> })}
                        </span>
                        <span class="mute small">{kind}</span>
                    </span>
                </span>
            }
            .into_any()
        })
        .sort("title")
        .class("lead"),
        Column::new("State", |s: &StorageSet| {
            let (tone, text) = storage_words::state(s.state);
            view! { <Badge tone text/> }.into_any()
        })
        .class("nowrap"),
        Column::new("Account", |s: &StorageSet| account(s)),
        Column::new("Used by", |s: &StorageSet| used_by(&s.used_by)),
        Column::new("Changed", |s: &StorageSet| {
            view! { <span class="mute"><When at=s.updated_at/></span> }.into_any()
        })
        .sort("updated_at")
        .class("nowrap"),
        Column::new("Actions", move |s: &StorageSet| actions(s, tested, doomed)).class("actions"),
    ];
    view! {
        <PageHeader title="Storage Sets" text="The cloud accounts that copies are sent to. Backup Sets share them.">
            {move || session::allows(&ep::CREATE_STORAGE).then(add_button)}
        </PageHeader>
        <div class="card flush">
            <div class="toolbar">
                <SearchField list label="Search Storage Sets"/>
                <FilterSelect list name="type" label="Type" options=vec![
                    ("", "All types"),
                    ("google_drive", "Google Drive"),
                    ("one_drive", "OneDrive"),
                    ("dropbox", "Dropbox"),
                    ("amazon_s3", "Amazon S3"),
                ]/>
                <FilterSelect list name="enabled" label="Enabled" options=vec![("", "On and off"), ("true", "Switched on"), ("false", "Switched off")]/>
                <SortSelect list options=vec![("title", "Title"), ("type", "Type"), ("-updated_at", "Last changed")]/>
            </div>
            {grid(list, "Storage Sets", columns, |s| format!("{}-{}-{:?}-{:?}-{:?}", s.id, s.revision, s.state, s.account, s.used_by), || view! {
                <EmptyState
                    icon=lu::LuCloudUpload
                    title="No Storage Set yet"
                    text="A Storage Set is one account at Google Drive, OneDrive, Dropbox or a service that speaks S3. With one, a Backup Set can send its copies off this server."
                >
                    {session::allows(&ep::CREATE_STORAGE).then(add_button)}
                </EmptyState>
            }.into_any())}
        </div>
        <TestDialog tested/>
        <DeleteDialog doomed on_done=move |()| list.reload()/>
    }
}

fn add_button() -> impl IntoView {
    view! { <A href="/storages/new" attr:class="btn primary"><Icon icon=lu::LuPlus/>"Add Storage Set"</A> }
}

/// Whom it belongs to. Of Amazon S3 that is the key, since a test alone knows the account.
fn account(set: &StorageSet) -> AnyView {
    match (&set.account, set.kind.is_linked_by_consent()) {
        (Some(account), _) => view! { <span class="breaks">{account.clone()}</span> }.into_any(),
        (None, true) => view! { <span class="mute">"None"</span> }.into_any(),
        (None, false) => view! { <code>{set.client_id.clone()}</code> }.into_any(),
    }
}

fn used_by(sets: &[UsedBy]) -> AnyView {
    if sets.is_empty() {
        return view! { <span class="mute">"Not used"</span> }.into_any();
    }
    let linked = session::allows(&ep::GET_BACKUP);
    let more = sets.len().saturating_sub(NAMED);
    let rest: Vec<String> = sets.iter().skip(NAMED).map(|s| s.title.clone()).collect();
    let named = sets.iter().take(NAMED).cloned().map(move |set| {
        if linked {
            view! { <A href=format!("/backups/{}", set.id)>{set.title}</A> }.into_any()
        } else {
            view! { <span>{set.title}</span> }.into_any()
        }
    });
    view! {
        <span class="stack">
            {named.collect_view()}
            {(more > 0).then(|| view! { <span class="mute small" title=rest.join(", ")>{format!("and {more} more")}</span> })}
        </span>
    }
    .into_any()
}

fn actions(
    set: &StorageSet,
    tested: RwSignal<Option<Tested>>,
    doomed: RwSignal<Option<StorageSet>>,
) -> AnyView {
    let (id, title) = (set.id, set.title.clone());
    let (target, doom) = (Tested::of(set), set.clone());
    view! {
        <span class="row-actions">
            {session::allows(&ep::TEST_STORAGE).then(|| view! {
                <button
                    type="button"
                    class="btn small"
                    aria-label=format!("Test connection of {title}")
                    on:click=move |_| tested.set(Some(target.clone()))
                >
                    <Icon icon=lu::LuPlugZap/>"Test"
                </button>
            })}
            {session::allows(&ep::UPDATE_STORAGE).then(|| view! {
                <A href=format!("/storages/{id}") attr:class="btn icon-only quiet" attr:aria-label=format!("Edit {title}") attr:title="Edit">
                    <Icon icon=lu::LuPencil/>
                </A>
            })}
            {session::allows(&ep::DELETE_STORAGE).then(|| view! {
                <button
                    type="button"
                    class="btn icon-only quiet"
                    aria-label=format!("Delete {title}")
                    title="Delete"
                    on:click=move |_| doomed.set(Some(doom.clone()))
                >
                    <Icon icon=lu::LuTrash2/>
                </button>
            })}
        </span>
    }
    .into_any()
}
