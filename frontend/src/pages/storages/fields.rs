//! The fields of a Storage Set, in the words of its provider.

use crate::models::storage_form::StorageForm;
use crate::ui::*;
use contract::{Encryption, StorageType};
use leptos::prelude::*;

const STORED: &str = "Stored; leave it empty to keep it";

#[component]
pub fn General(typed: RwSignal<StorageForm>) -> impl IntoView {
    let (title, set_title) = create_slice(typed, |t| t.title.clone(), |t, v| t.title = v);
    let (enabled, set_enabled) = create_slice(typed, |t| t.enabled, |t, v| t.enabled = v);
    view! {
        <Card title="General">
            <div class="fields">
                <TextField name="title" label="Title" value=title set=set_title required=true autocomplete="off"/>
            </div>
            <Switch
                label="Enabled"
                hint="While this is off, destinations that use it fail."
                value=enabled
                set=set_enabled
            />
        </Card>
    }
}

/// The two keys, and what else says which account it is.
#[component]
pub fn Credentials(
    typed: RwSignal<StorageForm>,
    kind: StorageType,
    #[prop(into)] secret_stored: Signal<bool>,
    /// Stands above the fields.
    children: Children,
) -> impl IntoView {
    let (id, set_id) = create_slice(typed, |t| t.client_id.clone(), |t, v| t.client_id = v);
    let (secret, set_secret) = create_slice(typed, |t| t.client_secret.clone(), |t, v| t.client_secret = v);
    let (tenant, set_tenant) = create_slice(typed, |t| t.tenant.clone(), |t, v| t.tenant = v);
    let hint = if kind.is_linked_by_consent() {
        "Of the app that you make at the provider. The account is linked after saving."
    } else {
        "Of the user that may write to the bucket."
    };
    view! {
        <Card title="Keys" hint=hint>
            {children()}
            <div class="fields two">
                <TextField name="client_id" label=kind.client_id_label() value=id set=set_id required=true autocomplete="off" class="mono"/>
                {move || {
                    let stored = secret_stored.get();
                    view! {
                        <TextField
                            name="client_secret"
                            label=kind.client_secret_label()
                            kind="password"
                            value=secret
                            set=set_secret
                            required=!stored
                            autocomplete="new-password"
                            placeholder=if stored { STORED } else { "" }
                            hint=if stored { "It is never shown again. A new one replaces it." } else { "Stored encrypted, and never shown again." }
                        />
                    }
                }}
                {(kind == StorageType::OneDrive).then(|| view! {
                    <TextField
                        name="tenant"
                        label="Tenant (optional)"
                        hint="The ID or domain of your directory, if the app takes its accounts alone. Empty: every kind of account."
                        value=tenant
                        set=set_tenant
                        autocomplete="off"
                    />
                })}
            </div>
        </Card>
    }
}

#[component]
pub fn Place(typed: RwSignal<StorageForm>) -> impl IntoView {
    let (region, set_region) = create_slice(typed, |t| t.region.clone(), |t, v| t.region = v);
    let (endpoint, set_endpoint) = create_slice(typed, |t| t.endpoint.clone(), |t, v| t.set_endpoint(v));
    let (path_style, set_path_style) = create_slice(typed, |t| t.path_style, |t, v| t.path_style = v);
    let own = Memo::new(move |_| endpoint.with(|e| !e.trim().is_empty()));
    view! {
        <Card title="Place" hint="Where the bucket is. Its name goes into each Backup Set.">
            <div class="fields two">
                <TextField
                    name="region"
                    label="Region"
                    hint="Of the bucket, as the service calls it."
                    value=region
                    set=set_region
                    placeholder="us-east-1"
                    autocomplete="off"
                />
                <TextField
                    name="endpoint"
                    label="Endpoint (optional)"
                    hint="Of another service that speaks S3, such as MinIO, Ceph, R2 or Wasabi. Empty is Amazon itself."
                    value=endpoint
                    set=set_endpoint
                    placeholder="https://s3.example.org"
                    inputmode="url"
                    autocomplete="off"
                />
            </div>
            {move || (own.get() || path_style.get()).then(|| view! {
                <Switch
                    label="Path style"
                    hint="The bucket stands in the path of the address, not in the host name. Most services of one's own need it."
                    value=path_style
                    set=set_path_style
                />
            })}
        </Card>
    }
}

#[component]
pub fn Advanced(typed: RwSignal<StorageForm>, kind: StorageType) -> impl IntoView {
    let form = expect_context::<Form>();
    let open = RwSignal::new(typed.with_untracked(StorageForm::is_advanced));
    // A mistake is not left out of sight.
    Effect::new(move |_| {
        form.refusals();
        let fields = ["storage_class", "encryption", "kms_key_id", "max_bytes_per_sec"];
        if fields.into_iter().any(|field| untrack(|| form.error(field)).is_some()) {
            open.set(true);
        }
    });
    let toggled = move |event| open.set(event_target::<web_sys::HtmlDetailsElement>(&event).open());
    let (limit, set_limit) = create_slice(typed, |t| t.limit.clone(), |t, v| t.limit = v);
    let (incremental, set_incremental) = create_slice(typed, |t| t.incremental, |t, v| t.incremental = v);
    view! {
        <details class="card advanced" prop:open=move || open.get() on:toggle=toggled>
            <summary><h2>"Advanced"</h2><Icon icon=lu::LuChevronDown/></summary>
            <div class="fields two">
                {(kind == StorageType::AmazonS3).then(|| view! { <Objects typed/> })}
                <TextField
                    name="max_bytes_per_sec"
                    label="Bandwidth limit (optional)"
                    hint="For all uploads to this destination together. Empty: as fast as it goes."
                    value=limit
                    set=set_limit
                    suffix="MB/s"
                    inputmode="decimal"
                    autocomplete="off"
                    class="short"
                />
            </div>
            {(kind == StorageType::AmazonS3).then(|| view! {
                <Switch
                    label="Copy unchanged parts on the server"
                    hint="What an earlier copy there holds is not sent again. Where the server cannot, all of it is sent."
                    value=incremental
                    set=set_incremental
                />
            })}
        </details>
    }
}

/// How Amazon keeps what is stored.
#[component]
fn Objects(typed: RwSignal<StorageForm>) -> impl IntoView {
    let form = expect_context::<Form>();
    let (class, set_class) = create_slice(typed, |t| t.storage_class.clone(), |t, v| t.storage_class = v);
    let (key, set_key) = create_slice(typed, |t| t.kms_key_id.clone(), |t, v| t.kms_key_id = v);
    let names = [(Encryption::None, "none"), (Encryption::Aes256, "aes256"), (Encryption::Kms, "kms")];
    let encryption = Signal::derive(move || {
        let now = typed.with(|t| t.encryption);
        names.iter().find(|n| n.0 == now).map_or("", |n| n.1).to_string()
    });
    let set_encryption = SignalSetter::map(move |name: String| {
        form.edited("kms_key_id");
        if let Some((encryption, _)) = names.iter().find(|n| n.1 == name) {
            typed.update(|t| t.encryption = *encryption);
        }
    });
    let options = [
        ("none", "As the bucket is set up"),
        ("aes256", "AES-256, with keys of Amazon S3"),
        ("kms", "AWS KMS"),
    ]
    .map(|(value, words)| (value.to_string(), words.to_string()))
    .to_vec();
    view! {
        <TextField
            name="storage_class"
            label="Storage class (optional)"
            hint="For archives above 16 MiB, such as STANDARD_IA. Smaller files keep the class of the bucket."
            value=class
            set=set_class
            placeholder="STANDARD"
            autocomplete="off"
        />
        <SelectField name="encryption" label="Encryption at rest" value=encryption set=set_encryption options/>
        {move || typed.with(|t| t.encryption == Encryption::Kms).then(|| view! {
            <TextField
                name="kms_key_id"
                label="KMS key (optional)"
                hint="Its ID or ARN. Empty: the account's own key for S3."
                value=key
                set=set_key
                autocomplete="off"
                class="mono"
            />
        })}
    }
}
