use super::service::{Issued, SESSION_IDLE};
use super::{AuthService, Error};
use crate::http::{
    ApiError, ClientAddress, Principal, Valid, ValidOrDefault, Via, bearer_token, same_origin,
};
use actix_web::body::BoxBody;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse, Responder, get, post, put};
use contract::{LoginInput, Me, PasswordInput, RefreshInput, SetupInput, SetupStatus};

/// How the refresh token travels to browsers: in a cookie that scripts cannot read and that only the routes of `auth` get.
///
/// `Secure` is left out only when the public URL is plain http on the machine itself, where browsers would otherwise drop the cookie.
#[derive(Debug, Clone, Copy)]
pub struct RefreshCookie {
    secure: bool,
}

const COOKIE: &str = "storekeep_refresh";
const COOKIE_PATH: &str = "/api/v1/auth";

impl RefreshCookie {
    pub fn new(public_url: &str) -> Self {
        let host = public_url.strip_prefix("http://").map(|h| h.rsplit_once(':').map_or(h, |(host, _)| host));
        let loopback = host.is_some_and(|h| h == "localhost" || h == "[::1]" || h.starts_with("127."));
        RefreshCookie { secure: !loopback }
    }

    pub fn is_secure(self) -> bool {
        self.secure
    }

    fn holding(self, token: &str, lifetime: Duration) -> Cookie<'static> {
        Cookie::build(COOKIE, token.to_owned())
            .path(COOKIE_PATH)
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Strict)
            .max_age(lifetime)
            .finish()
    }
}

/// A session with its cookie.
pub struct SignedIn {
    status: StatusCode,
    issued: Issued,
    cookie: RefreshCookie,
}

impl Responder for SignedIn {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        let lifetime = Duration::seconds(SESSION_IDLE.num_seconds());
        response.cookie(self.cookie.holding(self.issued.refresh_token.expose(), lifetime));
        response.json(self.issued.session)
    }
}

/// 204 that takes the cookie away.
pub struct SignedOut(RefreshCookie);

impl Responder for SignedOut {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().cookie(self.0.holding("", Duration::ZERO)).finish()
    }
}

/// The refresh token of the cookie, unless another site caused the request.
fn cookie_of(request: &HttpRequest) -> Option<String> {
    let cookie = request.cookie(COOKIE)?;
    (same_origin(request.headers()) && !cookie.value().is_empty()).then(|| cookie.value().to_owned())
}

/// Says whether the first administrator is still to be made.
#[utoipa::path(tag = "setup", responses((status = 200, description = "Whether set-up is needed.")))]
#[get("/api/v1/setup")]
pub async fn get_setup(auth: Data<AuthService>) -> Result<Json<SetupStatus>, ApiError> {
    Ok(Json(SetupStatus { needed: auth.setup_needed().await? }))
}

/// Makes the first administrator, and signs them in.
#[utoipa::path(tag = "setup", responses(
    (status = 201, description = "The administrator exists; the session is theirs."),
    (status = 403, description = "The set-up token is wrong."),
    (status = 409, description = "An administrator exists already."),
    (status = 429, description = "Too many attempts; `Retry-After` says when to try again."),
))]
#[post("/api/v1/setup")]
pub async fn setup(
    auth: Data<AuthService>,
    cookie: Data<RefreshCookie>,
    from: ClientAddress,
    input: Valid<SetupInput>,
) -> Result<SignedIn, ApiError> {
    let SetupInput { token, username, password } = &input.0;
    let issued = auth.set_up(token, username, password, from.0).await?;
    Ok(SignedIn { status: StatusCode::CREATED, issued, cookie: **cookie })
}

/// Signs in.
///
/// The refresh token comes as an `HttpOnly` cookie.
#[utoipa::path(tag = "auth", responses(
    (status = 200, description = "The session."),
    (status = 401, description = "The user name or the password is wrong."),
    (status = 429, description = "Too many attempts; `Retry-After` says when to try again."),
))]
#[post("/api/v1/auth/login")]
pub async fn login(
    auth: Data<AuthService>,
    cookie: Data<RefreshCookie>,
    from: ClientAddress,
    input: Valid<LoginInput>,
) -> Result<SignedIn, ApiError> {
    let issued = auth.sign_in(&input.0.username, &input.0.password, from.0).await?;
    Ok(SignedIn { status: StatusCode::OK, issued, cookie: **cookie })
}

/// Exchanges the refresh token of the cookie, or of the body, for the next one and a new access token.
///
/// A refresh token works once; one that comes again ends its session. Only when its answer was lost it may be sent again within
/// ten seconds: what was lost is void then.
#[utoipa::path(tag = "auth", request_body = Option<RefreshInput>, responses(
    (status = 200, description = "The session goes on."),
    (status = 401, description = "The session has ended."),
))]
#[post("/api/v1/auth/refresh")]
pub async fn refresh(
    auth: Data<AuthService>,
    cookie: Data<RefreshCookie>,
    request: HttpRequest,
    input: ValidOrDefault<RefreshInput>,
) -> Result<SignedIn, ApiError> {
    let token = input.0.refresh_token.or_else(|| cookie_of(&request)).ok_or(Error::SessionEnded)?;
    let issued = auth.refresh(&token).await?;
    Ok(SignedIn { status: StatusCode::OK, issued, cookie: **cookie })
}

/// Signs out: ends the session of the cookie, or of the access token.
#[utoipa::path(tag = "auth", responses((status = 204, description = "The session has ended.")))]
#[post("/api/v1/auth/logout")]
pub async fn logout(
    auth: Data<AuthService>,
    cookie: Data<RefreshCookie>,
    request: HttpRequest,
) -> Result<SignedOut, ApiError> {
    auth.sign_out(cookie_of(&request).as_deref(), bearer_token(request.headers())).await?;
    Ok(SignedOut(**cookie))
}

/// Says who is signed in, and what they may do.
#[utoipa::path(tag = "auth", responses((status = 200, description = "The signed-in user.")))]
#[get("/api/v1/auth/me")]
pub async fn get_me(principal: Principal) -> Result<Json<Me>, ApiError> {
    Ok(Json(Me {
        id: principal.user_id,
        username: principal.username,
        role: principal.role,
        resources: principal.grants.iter().collect(),
    }))
}

/// Changes one's own password. Every other session ends.
#[utoipa::path(tag = "auth", responses(
    (status = 200, description = "A new session in place of the old one."),
    (status = 429, description = "Too many attempts; `Retry-After` says when to try again."),
))]
#[put("/api/v1/auth/password")]
pub async fn change_password(
    auth: Data<AuthService>,
    cookie: Data<RefreshCookie>,
    principal: Principal,
    from: ClientAddress,
    input: Valid<PasswordInput>,
) -> Result<SignedIn, ApiError> {
    if !matches!(principal.via, Via::Session(_)) {
        return Err(Error::SessionNeeded.into());
    }
    let PasswordInput { current_password, new_password } = &input.0;
    let issued = auth.change_password(principal.user_id, current_password, new_password, from.0).await?;
    Ok(SignedIn { status: StatusCode::OK, issued, cookie: **cookie })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://backup.example.org", true)]
    #[case("http://backup.example.org", true)]
    #[case("http://localhost.example.org:8080", true)]
    #[case("http://127.0.0.1:8080", false)]
    #[case("http://localhost:8080", false)]
    #[case("http://localhost", false)]
    #[case("http://[::1]:8080", false)]
    fn the_cookie_is_secure_everywhere_but_on_the_machine_itself(#[case] url: &str, #[case] secure: bool) {
        let cookie = RefreshCookie::new(url).holding("x", Duration::seconds(1));
        assert_eq!(cookie.secure(), Some(secure));
        assert_eq!((cookie.http_only(), cookie.same_site()), (Some(true), Some(SameSite::Strict)));
    }
}
