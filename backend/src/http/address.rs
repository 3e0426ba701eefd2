//! Where a request comes from.

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The reverse proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(pub Arc<[IpAddr]>);

impl TrustedProxies {
    /// A trusted proxy says that the client came to it by https.
    pub(super) fn say_https(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
        let said = headers.get(HeaderName::from_static("x-forwarded-proto")).and_then(|v| v.to_str().ok());
        let nearest =
            said.and_then(|v| v.rsplit(',').next()).is_some_and(|p| p.trim().eq_ignore_ascii_case("https"));
        nearest && peer.is_some_and(|peer| self.0.contains(&peer.to_canonical()))
    }
}

/// The address of the client: of the connection or, behind a trusted proxy, the last one in `X-Forwarded-For` that is not
/// itself a trusted proxy.
///
/// The list is read from its end, where the proxies write. Clients can write anything further left, so what cannot be read
/// ends the search: the last address before it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> Self {
        let mut client = peer.to_canonical();
        let lines: Vec<_> = headers.get_all(HeaderName::from_static("x-forwarded-for")).collect();
        let mut hops = lines.iter().rev().flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        while trusted.contains(&client)
            && let Some(Ok(hop)) = hops.next().map(|hop| hop.trim().parse::<IpAddr>())
        {
            client = hop.to_canonical();
        }
        ClientAddress(client)
    }
}

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |a| a.ip());
        let trusted = request.app_data::<TrustedProxies>().cloned().unwrap_or_default();
        ready(Ok(ClientAddress::of(peer, request.headers(), &trusted.0)))
    }
}

/// Whether a request comes from this machine, and from nobody behind a proxy on it: the connection does, and no header says that it was passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FromHere(pub bool);

impl FromHere {
    fn of(peer: IpAddr, headers: &HeaderMap) -> Self {
        const PASSED_ON: [&str; 6] =
            ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];
        FromHere(
            peer.to_canonical().is_loopback() && !PASSED_ON.iter().any(|name| headers.contains_key(*name)),
        )
    }
}

impl FromRequest for FromHere {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |a| a.ip());
        ready(Ok(FromHere::of(peer, request.headers())))
    }
}

/// False when a browser says that another origin caused the request. Cookies are then not looked at.
pub fn same_origin(headers: &HeaderMap) -> bool {
    headers
        .get(HeaderName::from_static("sec-fetch-site"))
        .is_none_or(|v| matches!(v.as_bytes(), b"same-origin" | b"none"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use rstest::rstest;

    #[rstest]
    #[case("203.0.113.9", &["198.51.100.1"], "203.0.113.9")]
    #[case("127.0.0.1", &["198.51.100.1"], "198.51.100.1")]
    #[case("::ffff:127.0.0.1", &["198.51.100.1"], "198.51.100.1")]
    #[case("127.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1")]
    #[case("127.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.1"], "198.51.100.1")]
    #[case("127.0.0.1", &[], "127.0.0.1")]
    #[case("127.0.0.1", &[""], "127.0.0.1")]
    // A proxy that asks by itself.
    #[case("127.0.0.1", &["10.0.0.1"], "10.0.0.1")]
    // Whatever a client put in front of what the proxy added.
    #[case("127.0.0.1", &["1.2.3.4, x, 198.51.100.1"], "198.51.100.1")]
    #[case("127.0.0.1", &["x, 198.51.100.1"], "198.51.100.1")]
    #[case("127.0.0.1", &["1.2.3.4, 198.51.100.1"], "198.51.100.1")]
    #[case("127.0.0.1", &["198.51.100.1, x"], "127.0.0.1")]
    #[case("127.0.0.1", &["198.51.100.1, x, 10.0.0.1"], "10.0.0.1")]
    #[case("127.0.0.1", &["198.51.100.1,, 10.0.0.1"], "10.0.0.1")]
    // Several lines are one list.
    #[case("127.0.0.1", &["1.2.3.4", "198.51.100.1"], "198.51.100.1")]
    #[case("127.0.0.1", &["1.2.3.4, x", "198.51.100.1", "10.0.0.1"], "198.51.100.1")]
    #[case("127.0.0.1", &["198.51.100.1", "x"], "127.0.0.1")]
    #[case("127.0.0.1", &["198.51.100.1", "\u{ff}"], "127.0.0.1")]
    fn only_what_trusted_proxies_added_is_believed(
        #[case] peer: &str,
        #[case] lines: &[&str],
        #[case] client: &str,
    ) {
        let trusted: Vec<IpAddr> = ["127.0.0.1", "10.0.0.1"].iter().map(|a| a.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            let name = HeaderName::from_static("x-forwarded-for");
            headers.append(name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let found = ClientAddress::of(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(found.0, client.parse::<IpAddr>().unwrap());
    }
}
