//! Which addresses belong to the whole internet.
//!
//! A webhook may name any host, and its answer tells whether something listens there: without this rule, whoever may enter one could look
//! around in the server's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// False for the machine itself, private networks, links, carriers' networks, multicast, what is reserved, and every notation of such an address
/// inside another one.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        // "This network", multicast, reserved, broadcast.
        || a == 0
        || a >= 224
        // Between a carrier and its customers.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        // The relays of 6to4.
        || (a == 192 && b == 88 && c == 99)
        // Measurements inside a network.
        || (a == 198 && (b == 18 || b == 19));
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        // NAT64 leads to the IPv4 address at its end.
        (0x64, 0xff9b) => (c, d, e, f) == (0, 0, 0, 0) && v4(g, h),
        // 6to4, likewise.
        (0x2002, _) => v4(b, c),
        // Teredo, benchmarks, identifiers that are no places.
        (0x2001, 0..=0x1ff) => false,
        // Documentation.
        (0x2001, 0xdb8) | (0x3fff, 0..=0xfff) => false,
        // All that is given out so far; what is left are loopback, links, private networks, multicast.
        _ => (0x2000..=0x3fff).contains(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("0.0.0.0")]
    #[case("0.1.2.3")]
    #[case("10.1.2.3")]
    #[case("100.64.0.1")]
    #[case("100.127.255.255")]
    #[case("127.0.0.1")]
    #[case("127.255.255.254")]
    #[case("169.254.169.254")]
    #[case("172.16.0.1")]
    #[case("172.31.255.255")]
    #[case("192.0.0.8")]
    #[case("192.168.1.1")]
    #[case("198.18.0.1")]
    #[case("224.0.0.1")]
    #[case("240.0.0.1")]
    #[case("255.255.255.255")]
    #[case("::")]
    #[case("::1")]
    #[case("::ffff:127.0.0.1")]
    #[case("::ffff:10.0.0.1")]
    #[case("::7f00:1")]
    #[case("64:ff9b::7f00:1")]
    #[case("64:ff9b:1::1")]
    #[case("2002:7f00:1::")]
    #[case("2002:a00:1::1")]
    #[case("2001::1")]
    #[case("2001:db8::1")]
    #[case("fc00::1")]
    #[case("fd12:3456::1")]
    #[case("fe80::1")]
    #[case("fec0::1")]
    #[case("ff02::1")]
    fn what_is_private_is_told(#[case] ip: &str) {
        assert!(!is_public(ip.parse().unwrap()), "{ip}");
    }

    #[rstest]
    #[case("1.1.1.1")]
    #[case("93.184.215.14")]
    #[case("100.63.255.255")]
    #[case("100.128.0.1")]
    #[case("172.32.0.1")]
    #[case("198.20.0.1")]
    #[case("::ffff:1.1.1.1")]
    #[case("64:ff9b::101:101")]
    #[case("2606:4700::1111")]
    #[case("2a00:1450:4001::1")]
    fn what_is_public_is_reached(#[case] ip: &str) {
        assert!(is_public(ip.parse().unwrap()), "{ip}");
    }
}
