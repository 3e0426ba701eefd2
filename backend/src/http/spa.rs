//! The console's files, inside the binary.

use super::{ApiError, openapi};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, EntityTag, HeaderMap};
use actix_web::{HttpRequest, HttpResponse};
use contract::ProblemCode;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";

/// No inline script, no third-party host; WebAssembly is compiled from our own file.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Whether the console was built before this binary (in a debug build: whether it is there now).
pub fn console_is_built_in() -> bool {
    Dist::get(INDEX).is_some()
}

/// Every path that is not a route: a file of the console, or its page, which knows the address itself.
pub(super) async fn serve(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let path = request.path();
    if path == openapi::DOCS_PATH {
        return Ok(openapi::to_docs());
    }
    let name = path.trim_start_matches('/');
    let encoded = name.ends_with(".br") || name.ends_with(".gz");
    let asset = name.starts_with("assets/");
    // A debug build reads from the disk, where `assets/../index.html` would be a file; in a release build it is none.
    let plain = !name.split('/').any(|segment| matches!(segment, "" | "." | ".."));
    let name = if plain && !encoded && Dist::get(name).is_some() {
        name
    } else if asset || encoded {
        // A missing script must not be answered with a page.
        return Err(ApiError::no_such_route());
    } else {
        INDEX
    };
    let Some((file, coding)) = choose(name, request.headers(), Dist::get) else {
        return Err(ApiError::new(
            ProblemCode::Unavailable,
            "The console is not part of this binary. Build it with `make build`, or use the API.",
        ));
    };
    Ok(response(&request, name, asset, file, coding))
}

/// The smallest form of a file that the client takes, and its content coding.
fn choose<F>(
    name: &str,
    headers: &HeaderMap,
    get: impl Fn(&str) -> Option<F>,
) -> Option<(F, Option<&'static str>)> {
    [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(coding, _)| accepts(headers, coding))
        .find_map(|(coding, suffix)| get(&format!("{name}{suffix}")).map(|file| (file, Some(coding))))
        .or_else(|| get(name).map(|file| (file, None)))
}

fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')).any(
        |entry| {
            let mut parts = entry.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let refused = parts.filter_map(|p| p.split_once('=')).any(|(k, v)| {
                k.trim().eq_ignore_ascii_case("q") && v.trim().parse::<f32>().is_ok_and(|q| q <= 0.0)
            });
            named && !refused
        },
    )
}

fn response(
    request: &HttpRequest,
    name: &str,
    asset: bool,
    file: EmbeddedFile,
    coding: Option<&'static str>,
) -> HttpResponse {
    let tag = EntityTag::new_strong(hex::encode(&file.metadata.sha256_hash()[..12]));
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.split(',').any(|t| t.trim().trim_start_matches("W/") == tag.to_string()));
    let mut response = HttpResponse::Ok();
    response.insert_header(header::ETag(tag)).insert_header((header::VARY, "Accept-Encoding")).insert_header(
        (header::CACHE_CONTROL, if asset { "public, max-age=31536000, immutable" } else { "no-cache" }),
    );
    if name == INDEX {
        response.insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    }
    if known {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    if let Some(coding) = coding {
        response.insert_header((header::CONTENT_ENCODING, coding));
    }
    response
        .content_type(mime_guess::from_path(name).first_or_octet_stream().to_string())
        .body(file.data.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use rstest::rstest;

    #[rstest]
    #[case("gzip, deflate, br", Some("br"))]
    #[case("gzip", Some("gzip"))]
    #[case("br;q=0, gzip;q=0.5", Some("gzip"))]
    #[case("br;q=0.000, GZIP ; q=1", Some("gzip"))]
    #[case("identity", None)]
    #[case("", None)]
    fn the_smallest_accepted_form_is_sent(#[case] accept: &str, #[case] coding: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap());
        let files = ["app.js", "app.js.br", "app.js.gz"];
        let (name, chosen) =
            choose("app.js", &headers, |n| files.contains(&n).then(|| n.to_owned())).unwrap();
        assert_eq!(chosen, coding);
        assert_eq!(
            name,
            format!(
                "app.js{}",
                match coding {
                    Some("br") => ".br",
                    Some(_) => ".gz",
                    None => "",
                }
            )
        );
    }
}
