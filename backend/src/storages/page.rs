//! The page that a browser ends at after a provider's consent page. No script, nothing from elsewhere; its one style is named by its hash in
//! the content security policy.

use super::link::{Landing, Named};
use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto 0;padding:0 1rem;color:#1b1f24;background:#fff}\
    h1{font-size:1.4rem}code{display:block;padding:.75rem;border:1px solid #8c959f;border-radius:.4rem;word-break:break-all;user-select:all}\
    @media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}a{color:#58a6ff}}";

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
    let mut body = format!("<h1>{title}</h1><p>{}</p>", escaped(&text));
    if let Some(code) = code {
        body += "<p>If you started the linking yourself just now, copy this code into the field <em>Authentication Code</em> of the Storage \
                 Set and save:</p>";
        body += &format!("<code>{}</code>", escaped(code));
    }
    body += &back(storage);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title} - Storekeep</title><style>{STYLE}</style></head>\
         <body><main>{body}</main></body></html>"
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
