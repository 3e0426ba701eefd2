//! The one client of the API. Nothing else in the console builds requests.
//!
//! Every call names its row of `contract::endpoints`. The access token is kept in memory alone; the refresh token is a
//! cookie that scripts cannot read. A token that ran out is renewed once, unseen; when that fails the session is over.

mod download;
pub mod session;
mod watch;

pub use download::download;
pub use watch::{Update, Watch, watch};

use contract::{Access, Endpoint, Me, Method, Problem, ProblemCode, endpoints as ep};
use gloo_net::http::{RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a call may carry beside its body.
#[derive(Debug, Clone, Default)]
pub struct Options {
    query: Vec<(&'static str, String)>,
    if_match: Option<i64>,
    idempotency_key: Option<String>,
}

impl Options {
    pub fn none() -> Self {
        Options::default()
    }

    pub fn query(params: Vec<(&'static str, String)>) -> Self {
        Options { query: params, ..Options::default() }
    }

    /// The revision that the change is based on; the server answers 412 when there is a newer one.
    pub fn if_match(revision: Option<i64>) -> Self {
        Options { if_match: revision, ..Options::default() }
    }

    /// A retried request with the same key starts nothing twice.
    pub fn idempotent() -> Self {
        let random = || (js_sys::Math::random() * 1e12) as u64;
        let key = format!("{:x}-{:x}-{:x}", js_sys::Date::now() as u64, random(), random());
        Options { idempotency_key: Some(key), ..Options::default() }
    }
}

/// Calls a route. `path` fills the placeholders of the row in order; a body of `()` sends none.
///
/// Every failure is a problem that can be shown: the server's own, or one that says that it cannot be reached.
pub async fn call<Req: Serialize, Res: DeserializeOwned>(
    endpoint: &Endpoint<Req, Res>,
    path: &[&str],
    options: Options,
    body: &Req,
) -> Result<Res, Problem> {
    let text = serde_json::to_string(body).map_err(|e| unreadable(&e.to_string()))?;
    let request = Prepared {
        method: endpoint.row.method,
        url: url(&endpoint.path_with(path), &options.query),
        body: (text != "null").then_some(text),
        options,
        signed: endpoint.row.access != Access::Public,
        abort: None,
    };
    read(request.send().await?).await
}

async fn read<Res: DeserializeOwned>(response: Response) -> Result<Res, Problem> {
    let text = response.text().await.map_err(|_| unreachable())?;
    let text = if text.is_empty() { "null" } else { &text };
    serde_json::from_str(text).map_err(|e| unreadable(&e.to_string()))
}

/// A call with neither body nor options.
pub async fn bare<Res: DeserializeOwned>(
    endpoint: &Endpoint<(), Res>,
    path: &[&str],
) -> Result<Res, Problem> {
    call(endpoint, path, Options::none(), &()).await
}

/// Who the access token belongs to. Never renews it.
async fn ask_who() -> Result<Me, Problem> {
    read(Prepared::get(ep::GET_ME.path_with(&[]), None).attempt().await?).await
}

/// A request that can be sent again after the token was renewed.
struct Prepared {
    method: Method,
    url: String,
    body: Option<String>,
    options: Options,
    /// Carries the access token.
    signed: bool,
    abort: Option<web_sys::AbortSignal>,
}

impl Prepared {
    /// A GET outside of `call`: event streams and downloads.
    fn get(url: String, abort: Option<web_sys::AbortSignal>) -> Self {
        Prepared { method: Method::Get, url, body: None, options: Options::none(), signed: true, abort }
    }

    /// The response when its status is a good one, else the problem. Renews the access token at most once.
    async fn send(&self) -> Result<Response, Problem> {
        if self.signed {
            session::renew_if_old().await?;
        }
        let result = match self.attempt().await {
            Err(problem) if self.signed && session::is_over(&problem) => {
                session::renew().await?;
                self.attempt().await
            }
            result => result,
        };
        // The rights of a role bite at once: the pages offer what is no longer allowed.
        if matches!(&result, Err(problem) if problem.code == ProblemCode::MissingResource) {
            session::find_out_soon();
        }
        result
    }

    async fn attempt(&self) -> Result<Response, Problem> {
        let method = match self.method {
            Method::Get => gloo_net::http::Method::GET,
            Method::Post => gloo_net::http::Method::POST,
            Method::Put => gloo_net::http::Method::PUT,
            Method::Delete => gloo_net::http::Method::DELETE,
        };
        let mut request = RequestBuilder::new(&self.url).method(method).abort_signal(self.abort.as_ref());
        if let Some(token) = session::access_token().filter(|_| self.signed) {
            request = request.header("Authorization", &format!("Bearer {token}"));
        }
        if let Some(revision) = self.options.if_match {
            request = request.header("If-Match", &format!("\"{revision}\""));
        }
        if let Some(key) = &self.options.idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let request = match &self.body {
            Some(body) => request.header("Content-Type", "application/json").body(body.clone()),
            None => request.build(),
        };
        let response = request.map_err(|_| unreachable())?.send().await.map_err(|_| unreachable())?;
        if response.ok() { Ok(response) } else { Err(problem_of(response).await) }
    }
}

fn url(path: &str, query: &[(&'static str, String)]) -> String {
    let encode = |v: &str| js_sys::encode_uri_component(v).as_string().unwrap_or_default();
    let query: Vec<String> = query.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect();
    if query.is_empty() { path.to_string() } else { format!("{path}?{}", query.join("&")) }
}

/// The problem document of an error response, or one made from the status when something else answered.
async fn problem_of(response: Response) -> Problem {
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    if let Ok(problem) = serde_json::from_str::<Problem>(&body) {
        return problem;
    }
    let code =
        ProblemCode::ALL.iter().copied().find(|c| c.status() == status).unwrap_or(ProblemCode::Internal);
    let detail = match status {
        502..=504 => {
            "A server in between answered that Storekeep is not available. Try again in a moment.".into()
        }
        _ => format!("The server answered with status {status} and no explanation."),
    };
    Problem { status, ..Problem::new(code, detail) }
}

const NETWORK: &str = "urn:storekeep:problem:network";

/// The request got no answer.
fn unreachable() -> Problem {
    Problem {
        kind: NETWORK.into(),
        title: "The server cannot be reached".into(),
        status: 0,
        ..Problem::new(
            ProblemCode::Unavailable,
            "The request got no answer. Check the connection and whether Storekeep is running, then try again.",
        )
    }
}

fn unreadable(cause: &str) -> Problem {
    Problem {
        title: "The answer could not be read".into(),
        ..Problem::new(
            ProblemCode::Internal,
            format!(
                "The server answered in a form that this console does not know ({cause}). Load the page again: the server may be newer."
            ),
        )
    }
}
