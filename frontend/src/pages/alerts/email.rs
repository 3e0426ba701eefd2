//! Messages by e-mail.

use super::editor::{Editing, PASSWORD};
use super::part::Part;
use super::secret::SecretInput;
use super::trial::ChannelTest;
use crate::models::alerts_form::SECURITIES;
use crate::models::words::Tone;
use crate::ui::*;
use contract::{Channel, MailSecurity};
use leptos::prelude::*;

#[component]
pub fn EmailCard(editing: Editing) -> impl IntoView {
    let typed = editing.typed;
    let (enabled, set_enabled) = create_slice(typed, |t| t.email.enabled, |t, v| t.email.enabled = v);
    view! {
        <Card title="E-mail" hint="Through a mail server of yours or of your provider.">
            <Switch label="Enabled" hint="Send word by e-mail." value=enabled set=set_enabled/>
            <Server editing/>
            <SignIn editing/>
            <Addresses editing/>
            <ChannelTest channel=Channel::Email editing/>
        </Card>
    }
}

#[component]
fn Server(editing: Editing) -> impl IntoView {
    let form = expect_context::<Form>();
    let typed = editing.typed;
    let host = Signal::derive(move || typed.with(|t| t.email.host.clone()));
    let set_host = SignalSetter::map(move |host: String| {
        // What the server said of the password, it said because of this.
        form.edited(PASSWORD);
        typed.update(|t| t.email.host = host);
    });
    let (port, set_port) = create_slice(typed, |t| t.email.port.clone(), |t, v| t.email.port = v);
    let chosen = Memo::new(move |_| typed.with(|t| t.email.security));
    let security = Signal::derive(move || {
        let name = SECURITIES.iter().find(|s| s.0 == chosen.get()).map_or("", |s| s.1);
        name.to_string()
    });
    let set_security = SignalSetter::map(move |name: String| {
        form.edited("email.port");
        if let Some((security, ..)) = SECURITIES.iter().find(|s| s.1 == name) {
            typed.update(|t| t.email.set_security(*security));
        }
    });
    let options = SECURITIES.map(|(_, name, words)| (name.to_string(), words.to_string())).to_vec();
    view! {
        <Part id="part-mail-server" title="Mail server">
            <div class="fields two">
                <TextField name="email.host" label="Host" value=host set=set_host placeholder="smtp.example.org" autocomplete="off"/>
                <SelectField name="email.security" label="Security" value=security set=set_security options/>
                <TextField
                    name="email.port"
                    label="Port"
                    value=port
                    set=set_port
                    inputmode="numeric"
                    autocomplete="off"
                    class="short"
                />
            </div>
            {move || (chosen.get() == MailSecurity::None).then(|| view! {
                <Notice tone=Tone::Warn>
                    <p>"Messages travel in clear. This is for a relay on the same machine or in a network that you trust."</p>
                </Notice>
            })}
        </Part>
    }
}

#[component]
fn SignIn(editing: Editing) -> impl IntoView {
    let Editing { typed, saved, .. } = editing;
    let (user, set_user) = create_slice(typed, |t| t.email.username.clone(), |t, v| t.email.username = v);
    let (password, set_password) =
        create_slice(typed, |t| t.email.password.clone(), |t, v| t.email.password = v);
    let stored = Memo::new(move |_| saved.with(|s| s.email.password_set));
    let elsewhere = Memo::new(move |_| typed.with(|t| saved.with(|s| t.email.is_elsewhere(s))));
    let hint = Signal::derive(move || {
        let hint = match (elsewhere.get(), stored.get()) {
            (true, _) => "The stored one is of another mail server, and is not sent to this one.",
            (_, true) => "It is never shown again. A new one replaces it.",
            _ => "Stored encrypted, and never shown again.",
        };
        hint.to_string()
    });
    view! {
        <Part id="part-sign-in" title="Sign-in">
            <div class="fields two">
                <TextField
                    name="email.username"
                    label="User name (optional)"
                    hint="Empty for a server that wants nobody to sign in."
                    value=user
                    set=set_user
                    autocomplete="off"
                />
                <SecretInput
                    name=PASSWORD
                    label="Password"
                    noun="the password"
                    hint
                    stored
                    value=password
                    set=set_password
                />
            </div>
        </Part>
    }
}

#[component]
fn Addresses(editing: Editing) -> impl IntoView {
    let typed = editing.typed;
    let (from, set_from) = create_slice(typed, |t| t.email.from.clone(), |t, v| t.email.from = v);
    view! {
        <Part id="part-addresses" title="Addresses">
            <div class="fields">
                <TextField
                    name="email.from"
                    label="From"
                    hint="One that the mail server lets you send from."
                    value=from
                    set=set_from
                    kind="email"
                    placeholder="backups@example.org"
                    autocomplete="off"
                />
            </div>
            <Recipients editing/>
        </Part>
    }
}

const TO: &str = "email.to";

#[component]
fn Recipients(editing: Editing) -> impl IntoView {
    let form = expect_context::<Form>();
    form.shows_field(TO);
    form.shows_group(TO);
    let typed = editing.typed;
    let (text, set_text) = create_slice(typed, |t| t.email.pending_to.clone(), |t, v| t.email.pending_to = v);
    let lines = Signal::derive(move || typed.with(|t| t.email.to.clone()));
    // The server counted them as they were.
    let edited = move || {
        form.edited(TO);
        form.edited_below(TO);
    };
    let add = move |()| {
        edited();
        typed.update(|t| t.email.add_pending());
    };
    let remove = move |address: String| {
        edited();
        typed.update(|t| t.email.remove_to(&address));
    };
    let messages = move || {
        let own = form.error(TO);
        own.into_iter().chain(form.errors_below(TO).into_iter().map(|e| e.message)).collect::<Vec<_>>()
    };
    let invalid = Signal::derive(move || !messages().is_empty());
    let id = field_id(TO);
    let error_id = format!("{id}-error");
    view! {
        <LineList
            id
            label="Recipients"
            hint="Everybody gets every message. Up to 20; a mailing list takes more."
            placeholder="ops@example.org"
            text
            set_text
            invalid
            lines
            note=|_| String::new()
            on_add=add
            on_remove=remove
        />
        <div aria-live="polite" id=error_id>
            {move || messages().into_iter().map(|message| view! {
                <p class="field-error"><Icon icon=lu::LuCircleAlert/>{message}</p>
            }).collect_view()}
        </div>
    }
}
