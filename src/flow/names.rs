//! The names of the objects of a host: the same host gives the same names in every run, and no two
//! hosts share one.

use crate::model::target::Host;
use sha2::{Digest, Sha256};

/// A subset is a DNS label, and an object's name has parts added to it.
const LONGEST: usize = 40;

/// The NetworkPolicy of a namespace that may leave only through a gateway.
pub const LOCKDOWN: &str = "egress-lockdown";

/// The names of a host's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    slug: String,
}

impl Names {
    /// The names for a host. Dots become dashes; where that is ambiguous a part of the host's hash
    /// is added.
    pub fn of(host: &Host) -> Self {
        let text = host.text();
        let plain =
            text.len() <= LONGEST && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
        let slug = host.slug(LONGEST);
        Self {
            slug: if plain {
                slug
            } else {
                format!("{slug}-{}", short_hash(&text))
            },
        }
    }

    /// The `ServiceEntry`, the `Gateway`, the clients' `VirtualService` and `DestinationRule`.
    pub fn object(&self) -> String {
        format!("egress-{}", self.slug)
    }

    /// The `VirtualService` that only the gateway sees. It may lie beside the clients' one.
    pub fn at_gateway(&self) -> String {
        format!("egress-{}-gateway", self.slug)
    }

    /// A `VirtualService` that only the gateway sees, for a port with a name of its own.
    pub fn at_gateway_for(&self, port: u16) -> String {
        format!("egress-{}-gateway-{port}", self.slug)
    }

    /// The `DestinationRule` for the host itself, at the gateway.
    pub fn outside(&self) -> String {
        format!("egress-{}-outside", self.slug)
    }

    /// The `ServiceEntry` of the server that answers for a wildcard.
    pub fn server(&self) -> String {
        format!("egress-{}-server", self.slug)
    }

    /// The `AuthorizationPolicy`.
    pub fn allow(&self) -> String {
        format!("egress-{}-allow", self.slug)
    }

    /// The Service with a port of the gateway for one port of the host.
    pub fn companion(&self, port: u16) -> String {
        format!("egress-{}-{port}", self.slug)
    }

    /// The subset of the gateway's Service.
    pub fn subset(&self) -> String {
        self.slug.clone()
    }

    /// The subset for one port in mutual TLS: each has a name of its own in the handshake.
    pub fn mutual_subset(&self, port: u16) -> String {
        format!("{}-mutual-{port}", self.slug)
    }
}

fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(3)
        .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(host: &str) -> String {
        Names::of(&host.parse().unwrap()).slug
    }

    #[test]
    fn no_two_hosts_share_a_name() {
        assert_eq!(slug("edition.cnn.com"), "edition-cnn-com");
        assert_ne!(slug("a-b.c.com"), slug("a.b-c.com"));
        assert_ne!(slug("*.wikipedia.org"), slug("wildcard.wikipedia.org"));
        assert_ne!(
            slug(&format!("{}.com", "a".repeat(60))),
            slug(&format!("{}.com", "a".repeat(61)))
        );
        assert!(slug(&format!("{}.com", "a".repeat(60))).len() < 50);
    }
}
