//! The page that a browser ends at after a provider's consent page. No script, nothing from elsewhere; its one style is named by its hash in
//! the content security policy.

use super::link::{Landing, Named};
use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// In the console's colours.
const STYLE: &str = ":root{color-scheme:light dark}\
    body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;box-sizing:border-box;\
    font:.9375rem/1.6 system-ui,-apple-system,'Segoe UI',Roboto,Inter,'Noto Sans','Liberation Sans',sans-serif;\
    color:light-dark(#13252a,#e5eeef);background:light-dark(#f3f6f6,#0d1517)}\
    main{box-sizing:border-box;width:100%;max-width:34rem;padding:2rem;border:1px solid light-dark(#dde4e5,#243439);border-radius:14px;\
    border-top:4px solid light-dark(#0f5566,#58b8c9);background:light-dark(#fff,#141f22);box-shadow:0 8px 28px rgb(15 40 48/.12)}\
    main.good{border-top-color:light-dark(#12693a,#7bd6a0)}main.bad{border-top-color:light-dark(#ad211a,#ff9d94)}\
    header{font-weight:700;color:light-dark(#4a5e64,#a0b3b8)}h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem}p{margin:0 0 1rem}\
    p:last-child{margin:0}a{color:light-dark(#0b5c70,#74cad8);font-weight:600}\
    code{display:block;margin:0 0 1rem;padding:.75rem;border:1px solid light-dark(#84959a,#5d757c);border-radius:9px;\
    background:light-dark(#f7f9f9,#101a1d);font-size:.8125rem;word-break:break-all;user-select:all}";

/// Always 200: the browser did nothing wrong, whatever came of the link.
impl Responder for Landing {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        HttpResponse::Ok()
            .insert_header((header::CONTENT_SECURITY_POLICY, policy))
            // The address of this page holds the code.
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .content_type("text/html; charset=utf-8")
            .body(html(&self))
    }
}

fn html(landing: &Landing) -> String {
    let (title, text, code) = match landing {
        Landing::Linked { storage, account } => (
            "The account is linked",
            format!(
                "Storage '{}' sends its copies to {account} from now on. You can close this page.",
                storage.title
            ),
            None,
        ),
        Landing::Cancelled => (
            "Nothing was linked",
            "You did not give your consent, so everything stays as it was. You can close this page.".into(),
            None,
        ),
        Landing::Copy { why, code, .. } => ("The link is not finished", why.clone(), Some(code)),
        Landing::Failed { why, .. } => ("The account was not linked", why.clone(), None),
    };
    let storage = match landing {
        Landing::Linked { storage, .. } => Some(storage),
        Landing::Copy { storage, .. } | Landing::Failed { storage, .. } => storage.as_ref(),
        Landing::Cancelled => None,
    };
    let class = match landing {
        Landing::Linked { .. } => "good",
        Landing::Failed { .. } => "bad",
        Landing::Cancelled | Landing::Copy { .. } => "open",
    };
    let mut body = format!("<header>Storekeep</header><h1>{title}</h1><p>{}</p>", escaped(&text));
    if let Some(code) = code {
        body += "<p>If you started the linking yourself just now, copy this code into the field <em>Authentication Code</em> of the Storage \
                 Set and save:</p>";
        body += &format!("<code>{}</code>", escaped(code));
    }
    body += &back(storage);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title} - Storekeep</title><style>{STYLE}</style></head>\
         <body><main class=\"{class}\">{body}</main></body></html>"
    )
}

fn back(storage: Option<&Named>) -> String {
    match storage {
        Some(Named { id, title }) => {
            format!("<p><a href=\"/storages/{id}\">Back to storage '{}'</a></p>", escaped(title))
        }
        None => "<p><a href=\"/storages\">Back to the Storage Sets</a></p>".into(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_text_and_no_markup() {
        let storage = Some(Named { id: 7, title: "<b>'x'</b>".into() });
        let code = "\"><script>alert(1)</script>";
        let page = html(&Landing::Copy { storage, code: code.into(), why: "a & b".into() });
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert!(
            page.contains("&lt;script&gt;") && page.contains("a &amp; b") && page.contains("/storages/7")
        );
    }
}
