//! The console: a single-page app over the API.

use leptos::prelude::*;

fn main() {
    console_error_panic_hook::set_once();
    mount_to_body(|| view! { <h1>"Storekeep"</h1> });
}
