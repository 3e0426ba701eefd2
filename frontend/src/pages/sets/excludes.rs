//! What a Backup Set leaves out: two pickers behind tabs, and what that saves.

use super::files::FilePicker;
use super::tables::TablePicker;
use crate::models::excludes::{Saved, saved_files, saved_tables};
use crate::models::format;
use crate::models::set_form::SetForm;
use crate::pages::source::Source;
use crate::ui::*;
use leptos::prelude::*;

#[component]
pub fn Excludes(typed: RwSignal<SetForm>, read_only: bool) -> impl IntoView {
    let form = expect_context::<Form>();
    let source = expect_context::<Source>();
    let types = Memo::new(move |_| typed.with(|t| (t.files, t.database)));
    let selected = RwSignal::new("files");
    Effect::new(move |_| match types.get() {
        (false, true) => selected.set("tables"),
        (true, false) => selected.set("files"),
        _ => {}
    });
    // A mistake behind the other tab is brought to the front.
    Effect::new(move |_| {
        if form.refusals() == 0 {
            return;
        }
        let wrong = |path: &str| untrack(|| !form.errors_below(path).is_empty());
        match (wrong("exclude_directories"), wrong("exclude_tables")) {
            (true, false) => selected.set("files"),
            (false, true) => selected.set("tables"),
            _ => {}
        }
    });
    let files = Memo::new(move |_| {
        typed.with(|t| if t.files { source.with(|r| saved_files(r, &t.exclude_directories)) } else { None })
    });
    let tables = Memo::new(move |_| {
        typed.with(|t| if t.database { source.with(|r| saved_tables(r, &t.exclude_tables)) } else { None })
    });
    let tabs = Signal::derive(move || {
        let (with_files, with_database) = types.get();
        let count = |n: usize| if n == 0 { String::new() } else { format!(" ({n})") };
        let mut tabs = Vec::new();
        if with_files {
            tabs.push((
                "files",
                format!("Directories{}", count(typed.with(|t| t.exclude_directories.len()))),
            ));
        }
        if with_database {
            tabs.push(("tables", format!("Tables{}", count(typed.with(|t| t.exclude_tables.len())))));
        }
        tabs
    });
    let any = move || types.get() != (false, false);
    view! {
        {move || any().then(|| view! {
            <Card
                title="What to leave out"
                hint="Caches and noise that a restored store makes again. An excluded directory stays as an empty one; an excluded table keeps its structure."
                aside=move || view! { <Saving files=files.into() tables=tables.into()/> }
            >
                <Tabs id="excludes" label="What to leave out" tabs selected/>
                <div role="tabpanel" id="excludes-panel-files" aria-labelledby="excludes-tab-files" class:hidden-block=move || selected.get() != "files">
                    <FilePicker typed read_only/>
                </div>
                <div role="tabpanel" id="excludes-panel-tables" aria-labelledby="excludes-tab-tables" class:hidden-block=move || selected.get() != "tables">
                    <TablePicker typed read_only/>
                </div>
            </Card>
        })}
    }
}

#[component]
fn Saving(files: Signal<Option<Saved>>, tables: Signal<Option<Saved>>) -> impl IntoView {
    let text = move || {
        let all = [files.get(), tables.get()];
        let bytes: i64 = all.iter().flatten().map(|s| s.bytes).sum();
        let open = all.iter().flatten().any(|s| s.open);
        match (bytes, open) {
            (0, false) => String::new(),
            (0, true) => "Saves what the patterns match".into(),
            (n, false) => format!("Saves {}", format::bytes(n)),
            (n, true) => format!("Saves at least {}", format::bytes(n)),
        }
    };
    view! { <p class="saving" role="status">{text}</p> }
}
