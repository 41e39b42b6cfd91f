//! Outside: the client that calls addresses which strangers gave us.
//!
//! It follows no redirect, uses no proxy, and reaches nothing but the public internet: names are
//! resolved here, for each call, and addresses that lead to this machine or its neighbours are not
//! among the answers, so neither a redirect nor a name that changes leads inside.

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use domain::{Fault, text::line_fault, webhook::URL_MAX};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};

use crate::tls;

/// How long one call may take, its answer included: Standard Webhooks 1.0 advises 15 to 30 seconds.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// Whether private addresses may be called: where the receivers are one's own, and in tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Private {
    /// They may not.
    Deny,
    /// They may, and without TLS.
    Allow,
}

/// A client for addresses of strangers.
///
/// # Errors
/// When there is no TLS.
pub fn client(private: Private) -> reqwest::Result<Client> {
    tls::choose();
    let client = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .connect_timeout(Duration::from_secs(10))
        .pool_max_idle_per_host(4)
        .user_agent("griya-webhooks/1");
    match private {
        Private::Allow => client.build(),
        Private::Deny => client.https_only(true).dns_resolver(Arc::new(Public)).build(),
    }
}

/// The address that `raw` is.
///
/// # Errors
/// Where it is none that is called.
pub fn address(raw: &str, private: Private) -> Result<Url, Fault> {
    if let Some(fault) = line_fault(raw, URL_MAX) {
        return Err(fault);
    }
    let bad = || Fault::new("bad_format", "harus alamat https://…", "must be an address https://…");
    let url = Url::parse(raw).map_err(|_| bad())?;
    let scheme = url.scheme() == "https" || url.scheme() == "http" && private == Private::Allow;
    if !scheme || !url.username().is_empty() || url.password().is_some() {
        return Err(bad());
    }
    if private == Private::Deny && !is_public_host(&url) {
        return Err(Fault::new(
            "not_allowed",
            "harus alamat di internet umum",
            "must be an address on the public internet",
        ));
    }
    Ok(url)
}

/// Whether the host of `url` may be called: a name that is resolved later, or a public address.
pub fn is_public_host(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return is_public(ip);
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let inner = ["localhost", "local", "internal", "home.arpa"];
    name.contains('.')
        && !inner.iter().any(|end| name == *end || name.ends_with(&format!(".{end}")))
}

/// Resolves names to public addresses only.
#[derive(Debug)]
struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|at| is_public(at.ip())).collect();
            if found.is_empty() {
                let inside: Box<dyn Error + Send + Sync> =
                    "the name leads to no public address".into();
                return Err(inside);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether `ip` is reached over the public internet (IANA special-purpose address registries, 2025).
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        // This network, loopback, multicast and what is reserved above it.
        (0 | 127 | 224.., _, _)
            // Shared by carriers.
            | (100, 64..=127, _)
            // Protocol assignments, documentation, relays, benchmarks.
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !(special || ip.is_private() || ip.is_link_local())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    // What carries an IPv4 address within leads to that: NAT64 and 6to4.
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return is_public_v4(embedded(segments[6], segments[7]));
    }
    if segments[0] == 0x2002 {
        return is_public_v4(embedded(segments[1], segments[2]));
    }
    // Global unicast is 2000::/3; without what is assigned to protocols there (Teredo among them) and
    // to documentation.
    let protocols = segments[0] == 0x2001 && segments[1] < 0x200;
    let documentation = (segments[0], segments[1]) == (0x2001, 0xdb8)
        || segments[0] == 0x3fff && segments[1] < 0x1000;
    segments[0] & 0xe000 == 0x2000 && !protocols && !documentation
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_this_machine_or_its_neighbours_is_not_public() {
        for ip in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "::7f00:1",
            "3fff::1",
            "5f00::1",
            "64:ff9b:1::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808", "103.10.0.1"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn an_address_that_leads_inside_is_refused_however_it_is_written() {
        for raw in [
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://localhost/",
            "https://a.localhost./",
            "https://griya.internal/",
            "https://router/",
            "http://example.id/",
            "ftp://example.id",
            "https://user:pass@example.id/",
            "https://",
            "nonsense",
            "",
            "https://017700000001/",
        ] {
            assert!(address(raw, Private::Deny).is_err(), "{raw}");
        }
        assert!(address("https://mitra.example.id/griya?x=1", Private::Deny).is_ok());
        assert!(address("http://127.0.0.1:9/", Private::Allow).is_ok());
        assert!(address("file:///etc/passwd", Private::Allow).is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_resolved() {
        let found = Public.resolve("localhost".parse().unwrap()).await;
        assert!(found.is_err());
    }
}
