//! What of a head is passed on: hop-by-hop fields end here, `x-forwarded-*` is added, the rest (trace context too) stays.

use std::net::SocketAddr;

use http::header::{CONNECTION, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use penstock_model::gateway::Protocol;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The protocol that the user wants to change to, if the head asks for it properly.
pub fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = tokens(headers).any(|token| token.eq_ignore_ascii_case("upgrade"));
    if asked { headers.get(UPGRADE).cloned() } else { None }
}

fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',').map(str::trim))
}

/// Removes what concerns one connection only (RFC 9110, 7.6.1).
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = tokens(headers).filter_map(|token| token.parse().ok()).collect();
        for name in named {
            // a user must not be able to take away what backends rely on
            if name != HOST && name != FORWARDED_FOR {
                headers.remove(name);
            }
        }
        headers.remove(CONNECTION);
    }
    let trailers = headers.get(TE).is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    for name in [&KEEP_ALIVE, &PROXY_CONNECTION, &TRANSFER_ENCODING, &UPGRADE, &TE] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// The session of Penstock's own pages. A browser sends a host's cookies to every port of it, and so to workloads beside the
/// server: they must not get what opens the pages.
const SESSION: &[u8] = b"penstock";

fn is_session(pair: &[u8]) -> bool {
    let rest = pair.trim_ascii().strip_prefix(SESSION);
    rest.is_some_and(|rest| matches!(rest.trim_ascii_start().first(), None | Some(b'=')))
}

fn pairs(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b';')
}

fn strip_session(headers: &mut HeaderMap) {
    if !headers.get_all(COOKIE).iter().flat_map(pairs).any(is_session) {
        return;
    }
    let kept: Vec<HeaderValue> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| {
            let kept: Vec<_> = pairs(value).filter(|pair| !is_session(pair)).map(<[u8]>::trim_ascii).collect();
            HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok().filter(|value| !value.is_empty())
        })
        .collect();
    headers.remove(COOKIE);
    for value in kept {
        headers.append(COOKIE, value);
    }
}

/// Makes a user's head a backend's: hop-by-hop fields go, forwarding fields come.
pub fn to_backend(headers: &mut HeaderMap, peer: SocketAddr, host: Option<&str>, protocol: Protocol) {
    let wanted = upgrade(headers).filter(|_| protocol == Protocol::Http);
    strip_hop_by_hop(headers);
    strip_session(headers);
    // the gateway has answered it, or the body is on its way anyhow
    headers.remove(EXPECT);
    if protocol == Protocol::Http {
        headers.remove(TE);
    }
    if let Some(wanted) = wanted {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, wanted);
    }
    let address = peer.ip().to_canonical().to_string();
    let chain = headers.get_all(&FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<&str> = chain.chain([address.as_str()]).collect();
    if let Ok(chain) = HeaderValue::try_from(chain.join(", ")) {
        headers.insert(FORWARDED_FOR, chain);
    }
    headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static("http"));
    if let Some(host) = host.and_then(|host| HeaderValue::try_from(host).ok()) {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        map
    }
    fn peer() -> SocketAddr {
        "192.0.2.7:1234".parse().unwrap()
    }

    #[test]
    fn what_concerns_one_connection_ends_here() {
        let mut headers = map(&[
            ("connection", "close, x-private"),
            ("x-private", "1"),
            ("keep-alive", "3"),
            ("te", "gzip"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("traceparent", "00-1-2-01"),
            ("host", "a"),
        ]);
        to_backend(&mut headers, peer(), Some("a"), Protocol::Http);
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["host", "traceparent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]);
    }

    #[test]
    fn the_chain_of_addresses_grows() {
        let mut headers = map(&[("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "198.51.100.2"), ("x-forwarded-proto", "https")]);
        to_backend(&mut headers, peer(), None, Protocol::Http);
        assert_eq!(headers["x-forwarded-for"], "198.51.100.1, 198.51.100.2, 192.0.2.7");
        assert_eq!(headers["x-forwarded-proto"], "https");
    }

    #[test]
    fn an_upgrade_is_passed_on_and_te_trailers_where_grpc_needs_it() {
        let mut headers = map(&[("connection", "Keep-Alive, Upgrade"), ("upgrade", "websocket")]);
        to_backend(&mut headers, peer(), None, Protocol::Http);
        assert_eq!(
            (&headers["connection"], &headers["upgrade"]),
            (&HeaderValue::from_static("upgrade"), &HeaderValue::from_static("websocket"))
        );
        let mut headers = map(&[("te", "trailers")]);
        to_backend(&mut headers, peer(), None, Protocol::H2c);
        assert_eq!(headers["te"], "trailers");
    }

    #[test]
    fn a_user_cannot_have_the_host_removed() {
        let mut headers = map(&[("connection", "host"), ("host", "a")]);
        to_backend(&mut headers, peer(), None, Protocol::Http);
        assert!(headers.contains_key("host"));
    }

    #[test]
    fn a_workload_does_not_get_the_session_of_the_pages_that_a_browser_sends_to_every_port() {
        for (sent, passed) in [
            (&["penstock=secret"][..], &[][..]),
            (&["a=b; penstock=secret; c=d"], &["a=b; c=d"]),
            (&["a=b", " penstock = secret", "penstock"], &["a=b"]),
            (&["penstocks=1; xpenstock=2;  a=penstock=3"], &["penstocks=1; xpenstock=2;  a=penstock=3"]),
        ] {
            let pairs: Vec<_> = sent.iter().map(|value| ("cookie", *value)).collect();
            let mut headers = map(&pairs);
            to_backend(&mut headers, peer(), Some("a"), Protocol::Http);
            assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), passed, "{sent:?}");
        }
    }
}
