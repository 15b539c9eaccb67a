//! Names, resolved so that the address that was checked is the one that is connected.
//!
//! A name somebody else controls may point at this machine or at the metadata service of the cloud it runs in; the
//! secret, or the answer, would then be theirs. Addresses that stand in the inventory as such are the user's word.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use futures::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use reqwest::dns::{Addrs, Resolve, Resolving};
use tower_service::Service;
use url::{Host, Url};

use super::{connect::AnyError, proxy::Route};

/// The resolver of every client.
#[derive(Clone)]
pub(super) struct Guarded {
    /// Host of the proxy: the user's own choice, and often on this machine.
    proxy: Option<Arc<str>>,
}

/// The name cannot be resolved.
#[derive(Debug)]
pub(super) struct Unresolved(io::Error);

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name cannot be resolved")
    }
}

impl Error for Unresolved {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// The name leads only to addresses that no name but `localhost` may lead to.
#[derive(Debug)]
pub(super) struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to this machine or its link")
    }
}

impl Error for Forbidden {}

impl Guarded {
    pub(super) fn new(route: Option<&Route>) -> Self {
        Self { proxy: route.and_then(|route| route.proxy.host_str()).map(Arc::from) }
    }

    async fn addresses(self, name: String) -> Result<Vec<SocketAddr>, AnyError> {
        // RFC 6761 section 6.3: never a question for the network.
        if name.eq_ignore_ascii_case("localhost") {
            let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
            return Ok(addresses.map(|ip| SocketAddr::new(ip, 0)).into());
        }
        let is_trusted = self.proxy.as_deref().is_some_and(|proxy| proxy.eq_ignore_ascii_case(&name));
        let found = tokio::net::lookup_host((name, 0)).await.map_err(Unresolved)?.collect();
        Ok(permitted(found, is_trusted)?)
    }
}

/// For the token requests.
impl Service<Name> for Guarded {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = AnyError;
    type Future = BoxFuture<'static, Result<Self::Response, AnyError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async { Ok(found.await?.into_iter()) })
    }
}

/// For messages and pings.
impl Resolve for Guarded {
    fn resolve(&self, name: reqwest::dns::Name) -> Resolving {
        let found = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async { Ok(Box::new(found.await?.into_iter()) as Addrs) })
    }
}

/// What may be connected of the addresses a name led to.
fn permitted(mut found: Vec<SocketAddr>, is_trusted: bool) -> Result<Vec<SocketAddr>, Forbidden> {
    let any = !found.is_empty();
    found.retain(|address| is_trusted || !is_local(address.ip()));
    if any && found.is_empty() { Err(Forbidden) } else { Ok(found) }
}

/// Where EC2 answers instances about themselves over IPv6; a unique local address, of which the others are normal.
const EC2_METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Loopback, link-local or unspecified, also inside an IPv6 address. Private ranges are where servers live.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_local_v4(ip),
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unicast_link_local()
                || ip == EC2_METADATA
                || embedded_v4(ip).is_some_and(is_local_v4)
        }
    }
}

/// Whether a URL leads to this machine in so many words: `localhost` or a literal loopback address.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        _ => literal(url).is_some_and(|ip| ip.to_canonical().is_loopback()),
    }
}

/// A literal address never reaches the resolver. Loopback is the user's word; link-local is the metadata service's.
#[must_use]
pub fn is_forbidden(url: &Url) -> bool {
    literal(url).is_some_and(is_local) && !is_this_machine(url)
}

/// Where Azure's machines ask for tokens of their managed identity, over http since nothing but the host answers there.
const AZURE_METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// The one metadata address that a sign-in of our own may go to, or this machine, where a platform's agent listens; where
/// the platform named the address itself (App Service on Linux: `http://169.254.129.2:8081/msi/token`), also its link.
#[must_use]
pub fn is_identity_endpoint(url: &Url, named_by_platform: bool) -> bool {
    let is_near = match url.host() {
        Some(Host::Ipv4(ip)) if ip == AZURE_METADATA && url.port().is_none() => true,
        Some(Host::Ipv4(ip)) if named_by_platform && ip.is_link_local() => true,
        _ => is_this_machine(url),
    };
    url.scheme() == "http" && is_near
}

fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(ip) => Some(ip.into()),
        Host::Ipv6(ip) => Some(ip.into()),
    }
}

/// 0.0.0.0/8 is "this network" (RFC 791 section 3.2); 0.0.0.0 itself connects to this machine.
fn is_local_v4(ip: Ipv4Addr) -> bool {
    ip.is_loopback() || ip.is_link_local() || matches!(ip.octets(), [0, ..])
}

/// Mapped and compatible addresses (RFC 4291 section 2.5.5), those that were translated (RFC 2765 section 2.1), of NAT64
/// (RFC 6052 section 2.1, RFC 8215) and of 6to4 (RFC 3056 section 2).
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match ip.segments() {
        [0x2002, high, low, ..]
        | [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_identity_is_asked_for_at_one_metadata_address_or_on_this_machine() {
        for (url, expected) in [
            ("http://169.254.169.254/metadata", [true, true]),
            ("http://127.0.0.1:41741/msi/token", [true, true]),
            ("http://localhost:42356/msi/token", [true, true]),
            ("http://[::1]:8081/", [true, true]),
            // Only the platform's own word leads to another place on the link.
            ("http://169.254.169.254:8080/", [false, true]),
            ("http://169.254.169.253/", [false, true]),
            ("http://169.254.129.2:8081/msi/token", [false, true]),
            ("https://169.254.129.2:8081/msi/token", [false, false]),
            ("http://169.255.0.1/", [false, false]),
            ("http://0.0.0.0/", [false, false]),
            ("http://[fe80::1]/", [false, false]),
            ("http://[::ffff:169.254.169.254]/", [false, false]),
            ("http://10.0.0.1/", [false, false]),
            ("http://metadata.example/", [false, false]),
            ("http://localhost.example/", [false, false]),
            ("https://169.254.169.254/", [false, false]),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!([false, true].map(|named| is_identity_endpoint(&url, named)), expected, "{url}");
        }
    }

    #[test]
    fn h3_what_a_name_must_not_lead_to() {
        for local in [
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "::1",
            "::",
            "fe80::1",
            "febf::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "::ffff:0.0.0.0",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "2002:7f00:1:1::1",
            "fd00:ec2::254",
        ] {
            assert!(is_local(ip(local)), "{local}");
        }
        for normal in [
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "8.8.8.8",
            "fd00::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "64:ff9b::808:808",
            "2002:a00:1::",
            "2002:808:808::1",
            "fd00:ec2::253",
            "fec0::1",
        ] {
            assert!(!is_local(ip(normal)), "{normal}");
        }
    }

    #[test]
    fn h3_of_a_mixed_answer_only_the_normal_addresses_are_connected() {
        let at = |text: &str| SocketAddr::new(ip(text), 0);
        assert_eq!(permitted(vec![at("127.0.0.1"), at("10.0.0.1")], false).unwrap(), [at("10.0.0.1")]);
        assert!(permitted(vec![at("127.0.0.1"), at("::1")], false).is_err());
        assert_eq!(permitted(vec![at("127.0.0.1")], true).unwrap(), [at("127.0.0.1")]);
        assert_eq!(permitted(vec![], false).unwrap(), []);
    }

    #[tokio::test]
    async fn localhost_is_never_asked_of_dns() {
        for name in ["localhost", "LocalHost"] {
            let found = Guarded { proxy: None }.addresses(name.to_owned()).await.unwrap();
            assert_eq!(found.iter().map(SocketAddr::ip).collect::<Vec<_>>(), [ip("127.0.0.1"), ip("::1")]);
        }
    }
}
