//! Saving an archive to the visitor's disk.

use super::{Prepared, unreachable};
use contract::{Problem, endpoints as ep};
use leptos::prelude::document;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

/// Downloads one archive of a log. The browser spools the body to its own storage, not into this page's memory.
pub async fn download(log_id: i64, name: &str, save_as: &str) -> Result<(), Problem> {
    // The folder of an archive is no part of its address.
    let base = name.rsplit('/').next().unwrap_or(name);
    let encoded = js_sys::encode_uri_component(base).as_string().unwrap_or_default();
    let url = ep::DOWNLOAD_ARCHIVE.path_with(&[&log_id.to_string(), &encoded]);
    let response: web_sys::Response = Prepared::get(url, None).send().await?.into();
    let blob =
        JsFuture::from(response.blob().map_err(|_| unreachable())?).await.map_err(|_| unreachable())?;
    save(blob.unchecked_ref(), save_as).ok_or_else(unreachable)
}

fn save(blob: &web_sys::Blob, name: &str) -> Option<()> {
    let url = web_sys::Url::create_object_url_with_blob(blob).ok()?;
    let link: web_sys::HtmlAnchorElement = document().create_element("a").ok()?.unchecked_into();
    link.set_href(&url);
    link.set_download(name);
    link.click();
    // The browser has taken the body over once the click is handled; a minute is ample.
    let release = move || {
        let _ = web_sys::Url::revoke_object_url(&url);
    };
    leptos::prelude::set_timeout(release, std::time::Duration::from_secs(60));
    Some(())
}
