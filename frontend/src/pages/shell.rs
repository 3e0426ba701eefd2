//! The frame around every page: navigation by what the user may see, the account, the skip link.

use super::bell::{Bell, Mail};
use super::welcome::Brand;
use crate::api::session;
use crate::ui::{Disclosure, Icon, Revisit, Theme, ThemeChoice, Toaster, ask_first, lu};
use contract::endpoints as ep;
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;

struct Entry {
    href: &'static str,
    words: &'static str,
    icon: icondata_core::Icon,
    shown: bool,
}

#[component]
pub fn Shell(children: Children) -> impl IntoView {
    provide_context(Mail::start());
    let drawer = RwSignal::new(false);
    let pathname = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = pathname.get();
        if before.is_some_and(|b| b != path) {
            drawer.set(false);
            request_animation_frame(focus_heading);
        }
        path
    });
    let escape = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" && drawer.get_untracked() {
            drawer.set(false);
            focus_by_id("nav-toggle");
        }
    });
    on_cleanup(move || escape.remove());
    let skip = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        focus_heading();
    };
    view! {
        <a class="skip" href="#main" on:click=skip>"Skip to the content"</a>
        <div class="shell" class:drawer-open=move || drawer.get()>
            <header class="top">
                <button
                    type="button"
                    id="nav-toggle"
                    class="btn icon-only quiet"
                    aria-label="Menu"
                    aria-expanded=move || drawer.get().to_string()
                    aria-controls="side"
                    on:click=move |_| drawer.update(|d| *d = !*d)
                >
                    {move || if drawer.get() { view! { <Icon icon=lu::LuX/> } } else { view! { <Icon icon=lu::LuMenu/> } }}
                </button>
                <A href="/" attr:class="brand" attr:aria-label="Storekeep, start page"><Brand/></A>
                <span class="grow"></span>
                <Bell/>
                <Account/>
            </header>
            <aside class="side" id="side" aria-label="Sidebar">
                <div class="side-head">
                    <A href="/" attr:class="brand" attr:aria-label="Storekeep, start page"><Brand/></A>
                    <Bell side=true/>
                </div>
                <Navigation/>
                <Account up=true/>
            </aside>
            <div class="veil" aria-hidden="true" on:click=move |_| drawer.set(false)></div>
            <main id="main">{children()}</main>
        </div>
    }
}

#[component]
fn Navigation() -> impl IntoView {
    let entries = move || {
        [
            Entry { href: "/", words: "Overview", icon: lu::LuLayoutDashboard, shown: true },
            Entry {
                href: "/backups",
                words: "Backup Sets",
                icon: lu::LuBoxes,
                shown: session::allows(&ep::LIST_BACKUPS),
            },
            Entry {
                href: "/storages",
                words: "Storage Sets",
                icon: lu::LuCloudUpload,
                shown: session::allows(&ep::LIST_STORAGES),
            },
            Entry {
                href: "/logs",
                words: "Backup Logs",
                icon: lu::LuScrollText,
                shown: session::allows(&ep::LIST_LOGS),
            },
            Entry {
                href: "/config",
                words: "Configuration",
                icon: lu::LuSettings,
                shown: session::allows(&ep::GET_CONFIG),
            },
            Entry {
                href: "/users",
                words: "Users",
                icon: lu::LuUsers,
                shown: session::allows(&ep::LIST_USERS),
            },
            Entry {
                href: "/roles",
                words: "Roles",
                icon: lu::LuShieldCheck,
                shown: session::allows(&ep::LIST_ROLES),
            },
        ]
    };
    let pathname = use_location().pathname;
    let revisit = expect_context::<Revisit>();
    let clicked = move |event: leptos::ev::MouseEvent, href: &'static str| {
        let elsewhere = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
        if !elsewhere && pathname.get_untracked() == href {
            revisit.note();
        }
    };
    view! {
        <nav class="nav" aria-label="Main">
            <ul>
                {move || entries().into_iter().filter(|e| e.shown).map(|e| view! {
                    <li><A href=e.href exact={e.href == "/"} on:click=move |event| clicked(event, e.href)><Icon icon=e.icon/><span>{e.words}</span></A></li>
                }).collect_view()}
            </ul>
        </nav>
    }
}

/// Password, theme, sign-out.
#[component]
fn Account(#[prop(optional)] up: bool) -> impl IntoView {
    let toaster = expect_context::<Toaster>();
    let theme = expect_context::<ThemeChoice>();
    let open = RwSignal::new(false);
    let name = move || session::me().map(|m| m.username).unwrap_or_default();
    let role = move || session::me().map(|m| m.role).unwrap_or_default();
    let initial = move || name().chars().next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let sign_out = move |_| {
        ask_first(move || {
            leptos::task::spawn_local(async move {
                if session::sign_out().await.is_err() {
                    toaster.bad("You are signed out here, but the server did not answer. The session there ends by itself.");
                }
            });
        });
    };
    let themes = [
        (Theme::System, "System", lu::LuMonitor),
        (Theme::Light, "Light", lu::LuSun),
        (Theme::Dark, "Dark", lu::LuMoon),
    ];
    view! {
        <Disclosure
            open
            label="Account"
            class=if up { "account up" } else { "account" }
            face=move || view! {
                <span class="avatar" aria-hidden="true">{initial}</span>
                <span class="account-name"><strong>{name}</strong><span>{role}</span></span>
            }
        >
            <p class="panel-head"><strong>{name}</strong><span class="mute">{role}</span></p>
            <fieldset class="theme">
                <legend>"Theme"</legend>
                <div class="segmented">
                    {themes.map(|(choice, words, icon)| view! {
                        <label class:checked=move || theme.get() == choice>
                            <input
                                type="radio"
                                name=if up { "theme-side" } else { "theme-top" }
                                prop:checked=move || theme.get() == choice
                                on:change=move |_| theme.set(choice)
                            />
                            <Icon icon/>{words}
                        </label>
                    }).collect_view()}
                </div>
            </fieldset>
            <A href="/account/password" attr:class="panel-item" on:click=move |_| open.set(false)>
                <Icon icon=lu::LuKeyRound/>"Change password"
            </A>
            <button type="button" class="panel-item" on:click=sign_out><Icon icon=lu::LuLogOut/>"Sign out"</button>
        </Disclosure>
    }
}

fn focus_heading() {
    window().scroll_to_with_x_and_y(0.0, 0.0);
    let heading = document().query_selector("#main h1").ok().flatten();
    if let Some(heading) = heading.and_then(|h| h.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = heading.focus();
    }
}

fn focus_by_id(id: &str) {
    let found = document().get_element_by_id(id).and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(element) = found {
        let _ = element.focus();
    }
}
