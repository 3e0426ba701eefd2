//! Messages to a web address.

use super::editor::Editing;
use super::part::Part;
use super::secret::SecretInput;
use super::trial::ChannelTest;
use crate::models::words::Tone;
use crate::ui::*;
use contract::Channel;
use leptos::prelude::*;

#[component]
pub fn WebhookCard(editing: Editing) -> impl IntoView {
    let Editing { typed, saved, .. } = editing;
    let (enabled, set_enabled) = create_slice(typed, |t| t.webhook.enabled, |t, v| t.webhook.enabled = v);
    let (url, set_url) = create_slice(typed, |t| t.webhook.url.clone(), |t, v| t.webhook.url = v);
    let (secret, set_secret) = create_slice(typed, |t| t.webhook.secret.clone(), |t, v| t.webhook.secret = v);
    let (private, set_private) =
        create_slice(typed, |t| t.webhook.allow_private, |t, v| t.webhook.allow_private = v);
    let stored = Memo::new(move |_| saved.with(|s| s.webhook.secret_set));
    let hint = Signal::derive(move || {
        let hint = match stored.get() {
            true => "It is never shown again. A new one replaces it.",
            false => {
                "Signs every message, so that the receiver can tell that it is yours. At least 16 characters."
            }
        };
        hint.to_string()
    });
    view! {
        <Card title="Webhook" hint="JSON, sent by POST to a chat, an incident tool or a script of yours.">
            <Switch label="Enabled" hint="Send word to the webhook." value=enabled set=set_enabled/>
            <Part id="part-receiver" title="Receiver">
                <div class="fields two">
                    <TextField
                        name="webhook.url"
                        label="URL"
                        hint="Redirects are not followed."
                        value=url
                        set=set_url
                        placeholder="https://hooks.example.org/storekeep"
                        inputmode="url"
                        autocomplete="off"
                    />
                    <SecretInput
                        name="webhook.secret"
                        label="Secret (optional)"
                        noun="the secret"
                        hint
                        stored
                        value=secret
                        set=set_secret
                    />
                </div>
                <Switch
                    label="Allow private addresses"
                    hint="Also addresses in private networks, and of this machine itself."
                    value=private
                    set=set_private
                />
                {move || private.get().then(|| view! {
                    <Notice tone=Tone::Warn>
                        <p>"Whoever may change this page can then send requests to services inside your network. Allow it for a receiver of your own alone."</p>
                    </Notice>
                })}
            </Part>
            <ChannelTest channel=Channel::Webhook editing/>
        </Card>
    }
}
