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

/// The address of the client: of the connection or, behind a trusted proxy, the last one in `X-Forwarded-For` that is not
/// itself a trusted proxy. Clients can write anything further left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> Self {
        let peer = peer.to_canonical();
        if !trusted.contains(&peer) {
            return ClientAddress(peer);
        }
        let name = HeaderName::from_static("x-forwarded-for");
        let hops: Vec<IpAddr> = headers
            .get_all(name)
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
            .map_while(|a| a.trim().parse::<IpAddr>().ok())
            .map(|a| a.to_canonical())
            .collect();
        ClientAddress(hops.into_iter().rev().find(|a| !trusted.contains(a)).unwrap_or(peer))
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
    #[case("203.0.113.9", "198.51.100.1", "203.0.113.9")]
    #[case("127.0.0.1", "198.51.100.1", "198.51.100.1")]
    #[case("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1")]
    #[case("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.1", "198.51.100.1")]
    #[case("127.0.0.1", "", "127.0.0.1")]
    #[case("127.0.0.1", "10.0.0.1", "127.0.0.1")]
    fn only_trusted_proxies_are_believed(#[case] peer: &str, #[case] header: &str, #[case] client: &str) {
        let trusted: Vec<IpAddr> = ["127.0.0.1", "10.0.0.1"].iter().map(|a| a.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(header).unwrap());
        let found = ClientAddress::of(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(found.0, client.parse::<IpAddr>().unwrap());
    }
}
