//! What was worked out about a world, so that no path and no check works it out again. It holds
//! positions and values, nothing that borrows: a [`World`](super::World) keeps its own.

use super::given::Given;
use super::host_index::HostIndex;
use super::seen::{Node, Seen};
use super::spelling::Spelling;
use crate::fields::Noted;
use crate::kubernetes::ObjectRef;
use crate::kubernetes::pod::Labels;
use crate::kubernetes::service::Service;
use serde_json::Value;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::rc::Rc;

/// The pods of a gateway, as far as istiod tells them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayPods {
    /// Their labels.
    pub labels: Rc<Labels>,
    /// They may not open ports below 1024.
    pub unprivileged: bool,
}

type ByService<T> = RefCell<HashMap<(String, String), T>>;

/// The VirtualServices that sidecars of a namespace take: their positions in order, and the places
/// in that order by host.
type Bound = (HostIndex, Vec<usize>);

/// Where objects are in the list of their kind.
type Positions = Rc<Vec<usize>>;

/// What was worked out so far.
#[derive(Debug, Default)]
pub(super) struct Memo {
    scopes: RefCell<BTreeMap<Node, Rc<Seen>>>,
    given: RefCell<BTreeMap<Node, BTreeMap<u16, Rc<Given>>>>,
    gateway_pods: ByService<Option<GatewayPods>>,
    pods_behind: ByService<Rc<Vec<usize>>>,
    bound_to_mesh: RefCell<HashMap<String, Rc<Bound>>>,
    resolved: OnceCell<HashMap<String, Vec<IpAddr>>>,
    /// The hosts of VirtualServices.
    route_names: OnceCell<Spelling>,
    /// The hosts of the registry.
    service_names: OnceCell<Spelling>,
    /// The gateways' Services, in the registry.
    gateways: OnceCell<Vec<usize>>,
    places: OnceCell<HashMap<ObjectRef, usize>>,
    noted: RefCell<HashMap<ObjectRef, Rc<NotedSettings>>>,
    policies: RefCell<BTreeMap<Node, Rc<Vec<usize>>>>,
    /// The Gateways that select pods, by their namespace and labels.
    selecting: RefCell<BTreeMap<(String, Labels), Positions>>,
}

/// The fields of an object that are noted, and what it says.
#[derive(Debug, Default)]
pub struct NotedSettings {
    /// The fields.
    pub fields: Vec<Noted>,
    /// Its spec; nothing where no field is noted.
    pub spec: Value,
}

impl Memo {
    pub(super) fn route_names(&self, find: impl FnOnce() -> Spelling) -> &Spelling {
        self.route_names.get_or_init(find)
    }

    pub(super) fn service_names(&self, find: impl FnOnce() -> Spelling) -> &Spelling {
        self.service_names.get_or_init(find)
    }

    pub(super) fn gateways(&self, find: impl FnOnce() -> Vec<usize>) -> &[usize] {
        self.gateways.get_or_init(find)
    }

    /// Where each object is in the list of its kind.
    pub(super) fn places(
        &self,
        find: impl FnOnce() -> HashMap<ObjectRef, usize>,
    ) -> &HashMap<ObjectRef, usize> {
        self.places.get_or_init(find)
    }

    pub(super) fn noted(
        &self,
        object: &ObjectRef,
        find: impl FnOnce() -> NotedSettings,
    ) -> Rc<NotedSettings> {
        if let Some(known) = self.noted.borrow().get(object) {
            return known.clone();
        }
        let found = Rc::new(find());
        let mut all = self.noted.borrow_mut();
        all.insert(object.clone(), found.clone());
        found
    }

    /// The AuthorizationPolicies that count for a proxy.
    pub(super) fn policies(
        &self,
        node: &Node,
        find: impl FnOnce() -> Vec<usize>,
    ) -> Rc<Vec<usize>> {
        if let Some(known) = self.policies.borrow().get(node) {
            return known.clone();
        }
        let found = Rc::new(find());
        let mut all = self.policies.borrow_mut();
        all.insert(node.clone(), found.clone());
        found
    }

    /// The Gateways that select pods of a namespace with these labels.
    pub(super) fn selecting(
        &self,
        namespace: &str,
        labels: &Labels,
        find: impl FnOnce() -> Vec<usize>,
    ) -> Rc<Vec<usize>> {
        let key = (namespace.to_owned(), labels.clone());
        if let Some(known) = self.selecting.borrow().get(&key) {
            return known.clone();
        }
        let found = Rc::new(find());
        let mut all = self.selecting.borrow_mut();
        all.insert(key, found.clone());
        found
    }

    pub(super) fn scope(&self, node: &Node, find: impl FnOnce() -> Seen) -> Rc<Seen> {
        if let Some(known) = self.scopes.borrow().get(node) {
            return known.clone();
        }
        let found = Rc::new(find());
        self.scopes.borrow_mut().insert(node.clone(), found.clone());
        found
    }

    /// `key` is the port of a sidecar, or what tells two gateways with the same labels apart.
    pub(super) fn given(
        &self,
        node: &Node,
        key: u16,
        work_out: impl FnOnce() -> Given,
    ) -> Rc<Given> {
        if let Some(known) = self.given.borrow().get(node).and_then(|of| of.get(&key)) {
            return known.clone();
        }
        let given = Rc::new(work_out());
        let mut all = self.given.borrow_mut();
        let of = all.entry(node.clone()).or_default();
        of.insert(key, given.clone());
        given
    }

    pub(super) fn gateway_pods(
        &self,
        service: &Service,
        find: impl FnOnce() -> Option<GatewayPods>,
    ) -> Option<GatewayPods> {
        remembered(&self.gateway_pods, service, find)
    }

    pub(super) fn pods_behind(
        &self,
        service: &Service,
        find: impl FnOnce() -> Vec<usize>,
    ) -> Rc<Vec<usize>> {
        remembered(&self.pods_behind, service, || Rc::new(find()))
    }

    pub(super) fn bound_to_mesh(&self, namespace: &str, find: impl FnOnce() -> Bound) -> Rc<Bound> {
        if let Some(known) = self.bound_to_mesh.borrow().get(namespace) {
            return known.clone();
        }
        let found = Rc::new(find());
        let mut all = self.bound_to_mesh.borrow_mut();
        all.insert(namespace.to_owned(), found.clone());
        found
    }

    pub(super) fn resolved(
        &self,
        find: impl FnOnce() -> HashMap<String, Vec<IpAddr>>,
    ) -> &HashMap<String, Vec<IpAddr>> {
        self.resolved.get_or_init(find)
    }
}

fn remembered<T: Clone>(known: &ByService<T>, service: &Service, find: impl FnOnce() -> T) -> T {
    let key = (service.namespace().to_owned(), service.name().to_owned());
    if let Some(known) = known.borrow().get(&key) {
        return known.clone();
    }
    let found = find();
    known.borrow_mut().insert(key, found.clone());
    found
}
