//! Which directories to leave out.

use crate::models::excludes::{covered_by, own_lines};
use crate::models::format;
use crate::models::set_form::{SetForm, toggle};
use crate::pages::source::{LookAgain, Source};
use crate::ui::*;
use contract::SourceDirectory;
use leptos::prelude::*;

#[component]
pub fn FilePicker(typed: RwSignal<SetForm>, read_only: bool) -> impl IntoView {
    let form = expect_context::<Form>();
    form.shows_group("exclude_directories");
    let source = expect_context::<Source>();
    let excluded = Memo::new(move |_| typed.with(|t| t.exclude_directories.clone()));
    let change = Callback::new(move |(path, on): (String, bool)| {
        typed.update(|t| toggle(&mut t.exclude_directories, &path, on));
    });
    let suggest = move |_| {
        let paths = source.with(|r| r.suggested_excludes.iter().map(|d| d.path.clone()).collect::<Vec<_>>());
        typed.update(|t| {
            for path in paths.unwrap_or_default() {
                if covered_by(&path, &t.exclude_directories).is_none() {
                    toggle(&mut t.exclude_directories, &path, true);
                }
            }
        });
    };
    let own = Signal::derive(move || {
        excluded.with(|e| source.with(|r| own_lines(Some(r), e)).unwrap_or_else(|| e.clone()))
    });
    let errors = move || {
        let line = |field: &str| {
            let index = field.split(['[', ']']).nth(1)?.parse::<usize>().ok()?;
            excluded.with(|e| e.get(index).cloned())
        };
        form.errors_below("exclude_directories")
            .into_iter()
            .map(|e| view! {
                <p class="field-error"><Icon icon=lu::LuCircleAlert/>{line(&e.field).map(|l| format!("{l}: "))}{e.message}</p>
            })
            .collect_view()
    };
    let invalid = Signal::derive(move || !form.errors_below("exclude_directories").is_empty());
    let (text, set_text) =
        create_slice(typed, |t| t.pending_directory.clone(), |t, v| t.pending_directory = v);
    let tree = move || {
        match (source.result(), source.loading()) {
        (Some(Ok(report)), _) if report.directories.is_empty() => view! {
            <div class="picker-head">
                <p class="mute">"The server sees no directories here. Paths and patterns can still be added below."</p>
                <LookAgain/>
            </div>
        }.into_any(),
        (Some(Ok(report)), _) => {
            let has_suggestions = !report.suggested_excludes.is_empty();
            view! {
                <div class="picker-head">
                    <p class="mute">"Tick what to leave out. Sizes are of the store as it is now."</p>
                    <span class="picker-actions">
                        {(has_suggestions && !read_only).then(|| view! {
                            <button type="button" class="btn small" on:click=suggest><Icon icon=lu::LuCheck/>"Use the suggestions"</button>
                        })}
                        <LookAgain/>
                    </span>
                </div>
                <fieldset class="bare" disabled=read_only>
                <ul class="tree" aria-label="Directories of the store">
                    {report.directories.iter().map(|dir| {
                        let below: Vec<_> = report.suggested_excludes.iter()
                            .filter(|d| d.path.strip_prefix(&dir.path).is_some_and(|r| r.starts_with('/')))
                            .cloned().collect();
                        view! {
                            <li>
                                <Directory dir=dir.clone() excluded change nested=false/>
                                {(!below.is_empty()).then(|| view! {
                                    <ul>
                                        {below.into_iter().map(|dir| view! { <li><Directory dir excluded change nested=true/></li> }).collect_view()}
                                    </ul>
                                })}
                            </li>
                        }
                    }).collect_view()}
                </ul>
                </fieldset>
            }.into_any()
        }
        (Some(Err(_)), false) => view! {
            <div class="picker-head">
                <p class="mute">"The directories could not be listed. Paths and patterns can still be added below."</p>
                <LookAgain/>
            </div>
        }.into_any(),
        _ => view! { <p class="mute">"Measuring the directories of the store…"</p><Skeleton lines=6/> }.into_any(),
    }
    };
    view! {
        {tree}
        <fieldset class="bare" disabled=read_only>
        <LineList
            id="exclude-path"
            label="Other paths and patterns"
            hint="Relative to the Magento root: pub/media/tmp, or with * and ? as in **/*.log."
            placeholder="pub/media/tmp"
            text
            set_text
            invalid
            lines=own
            note=|_| String::new()
            on_add=move |()| typed.update(SetForm::add_pending)
            on_remove=move |line: String| change.run((line, false))
        />
        </fieldset>
        <div aria-live="polite" id="exclude-path-error">{errors}</div>
    }
}

#[component]
fn Directory(
    dir: SourceDirectory,
    excluded: Memo<Vec<String>>,
    change: Callback<(String, bool)>,
    nested: bool,
) -> impl IntoView {
    let path = StoredValue::new(dir.path.clone());
    let covered =
        Memo::new(move |_| path.with_value(|p| excluded.with(|e| covered_by(p, e).map(String::from))));
    let ticked =
        Memo::new(move |_| covered.get().is_some() || path.with_value(|p| excluded.with(|e| e.contains(p))));
    let size = format!("{}{}", if dir.complete { "" } else { "over " }, format::bytes(dir.size_bytes));
    view! {
        <label class="tree-row" class:checked=move || ticked.get() class:covered=move || covered.get().is_some()>
            <input
                type="checkbox"
                prop:checked=move || ticked.get()
                disabled=move || covered.get().is_some()
                on:change:target=move |event| change.run((path.get_value(), event.target().checked()))
            />
            <Icon icon=lu::LuFolder/>
            <span class="tree-name"><code>{dir.path}</code></span>
            <span class="tree-note">
                {move || match covered.get() {
                    Some(by) => format!("left out with {by}"),
                    None => dir.hint.clone().unwrap_or_default(),
                }}
            </span>
            <span class="tree-size">
                <strong>{size}</strong>
                {(!nested).then(|| view! { <span class="mute">{format::counted(dir.files, "file", "files")}</span> })}
            </span>
        </label>
    }
}
