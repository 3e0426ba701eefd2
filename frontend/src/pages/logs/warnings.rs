//! The warnings of a pass, by kind; searchable when there are many.

use crate::models::format;
use crate::models::words::{grouped_warnings, is_grave, warning_title};
use crate::ui::*;
use contract::Warning;
use leptos::prelude::*;

/// From this many on there is a search field, and groups start closed.
const MANY: usize = 12;
/// Shown of one group.
const SHOWN: usize = 200;

#[component]
pub fn Warnings(warnings: Vec<Warning>) -> impl IntoView {
    let total = warnings.len();
    let many = total >= MANY;
    let search = RwSignal::new(String::new());
    let groups = Memo::new(move |_| grouped_warnings(&warnings, &search.get()));
    view! {
        <Card title="Warnings" hint=format::counted(total as i64, "thing to know about this pass", "things to know about this pass")>
            {many.then(|| view! {
                <div class="control search">
                    <Icon icon=lu::LuSearch/>
                    <input
                        type="search"
                        aria-label="Search warnings"
                        placeholder="Search warnings"
                        on:input:target=move |event| search.set(event.target().value())
                    />
                </div>
            })}
            {move || groups.get().into_iter().map(|(code, list)| {
                let count = list.len();
                let more = count.saturating_sub(SHOWN);
                view! {
                    <details class="warning-group" open=!many || is_grave(&code) || search.with(|s| !s.is_empty())>
                        <summary>
                            <Icon icon=lu::LuChevronRight/>
                            <span>{warning_title(&code)}</span>
                            <span class="count">{count}</span>
                        </summary>
                        <ul>
                            {list.into_iter().take(SHOWN).map(|w| view! {
                                <li>
                                    {w.subject.map(|s| view! { <code>{s}</code> })}
                                    <span>{w.message}</span>
                                </li>
                            }).collect_view()}
                        </ul>
                        {(more > 0).then(|| view! { <p class="mute">{format!("And {} more; search to find them.", format::count(more as i64))}</p> })}
                    </details>
                }
            }).collect_view()}
            {move || groups.with(Vec::is_empty).then(|| view! { <p class="mute">"No warning mentions this."</p> })}
        </Card>
    }
}
