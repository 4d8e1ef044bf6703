//! The route by which somebody means a host to leave through a gateway, and why it takes no effect
//! for a client, where it does not.

use super::discovery::NotRead;
use crate::kubernetes::Place;

/// The route that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The rule; where there is none, what should have one.
    pub route: Place,
    /// The host that the rule is for: the path's own, a wildcard of it, or the host of the address
    /// that is called.
    pub host: String,
    /// The gateway's Service, by its name in the registry.
    pub gateway: String,
    /// Why it takes no effect for this client, where it does not.
    pub lacks: Option<Lack>,
}

impl Wanted {
    /// Whether the rule takes effect for this client, as far as it is bound and exported.
    pub fn in_force(&self) -> bool {
        self.lacks.is_none()
    }
}

/// Why a route to a gateway takes no effect for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// istiod does not read its object.
    NotRead(NotRead),
    /// Its VirtualService is bound to Gateways, and not to `mesh`.
    NotForMesh,
    /// Its VirtualService is exported to nobody who calls.
    NotExported,
    /// Its VirtualService names a host that is spelt nearly like this one.
    Misspelt(String),
    /// Its rule for the mesh has a delegate, `namespace/name`, that istiod does not find.
    NoDelegate(String),
    /// Its rule for the mesh sends other names of the VirtualService to the gateway: these
    /// `sniHosts`.
    OtherNames(Vec<String>),
    /// It routes the host for the mesh and does not send it to the gateway, where this Gateway
    /// serves it.
    NotSent(Place),
    /// A Gateway serves the host, or a rule leads it on from there, and nothing leads it to the
    /// gateway.
    NoRoute,
    /// `setup` routed the host, and its VirtualService is gone.
    Recorded,
}
