//! The kinds that are read or written, with the names that the API server knows them by. A kind is
//! one line here.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($kind:ident $(= $name:literal)? $group:literal $version:literal $(| $older:literal)* $plural:literal $scope:ident;)*) => {
        /// A kind of object. Where two groups have a kind of one name, only the variants differ: a
        /// report says the name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Kind { $($(#[serde(rename(serialize = $name))])? $kind),* }

        impl Kind {
            /// Every kind, in the order of this table.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The name in `kind:`.
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => kinds!(@name $kind $($name)?)),* }
            }

            /// The API group; empty for the core group.
            pub fn group(self) -> &'static str {
                match self { $(Kind::$kind => $group),* }
            }

            /// The versions of it that this program reads and writes, the one that it likes best
            /// first. Which of them an API server has is for [`Served`](super::Served) to say.
            pub fn versions(self) -> &'static [&'static str] {
                match self { $(Kind::$kind => &[$version $(, $older)*]),* }
            }

            /// The plural in request paths.
            pub fn plural(self) -> &'static str {
                match self { $(Kind::$kind => $plural),* }
            }

            /// Whether its objects lie in a namespace.
            pub fn namespaced(self) -> bool {
                match self { $(Kind::$kind => kinds!(@scope $scope)),* }
            }
        }
    };
    (@name $kind:ident) => { stringify!($kind) };
    (@name $kind:ident $name:literal) => { $name };
    (@scope namespaced) => { true };
    (@scope cluster) => { false };
}

kinds! {
    Namespace "" "v1" "namespaces" cluster;
    Node "" "v1" "nodes" cluster;
    ConfigMap "" "v1" "configmaps" namespaced;
    Secret "" "v1" "secrets" namespaced;
    ServiceAccount "" "v1" "serviceaccounts" namespaced;
    Service "" "v1" "services" namespaced;
    Pod "" "v1" "pods" namespaced;
    Event "" "v1" "events" namespaced;
    Deployment "apps" "v1" "deployments" namespaced;
    ReplicaSet "apps" "v1" "replicasets" namespaced;
    StatefulSet "apps" "v1" "statefulsets" namespaced;
    DaemonSet "apps" "v1" "daemonsets" namespaced;
    Job "batch" "v1" "jobs" namespaced;
    CronJob "batch" "v1" "cronjobs" namespaced;
    HorizontalPodAutoscaler "autoscaling" "v2" "horizontalpodautoscalers" namespaced;
    PodDisruptionBudget "policy" "v1" "poddisruptionbudgets" namespaced;
    Role "rbac.authorization.k8s.io" "v1" "roles" namespaced;
    RoleBinding "rbac.authorization.k8s.io" "v1" "rolebindings" namespaced;
    EndpointSlice "discovery.k8s.io" "v1" "endpointslices" namespaced;
    NetworkPolicy "networking.k8s.io" "v1" "networkpolicies" namespaced;
    MutatingWebhookConfiguration "admissionregistration.k8s.io" "v1" "mutatingwebhookconfigurations" cluster;
    CustomResourceDefinition "apiextensions.k8s.io" "v1" "customresourcedefinitions" cluster;
    ServiceEntry "networking.istio.io" "v1" | "v1beta1" | "v1alpha3" "serviceentries" namespaced;
    VirtualService "networking.istio.io" "v1" | "v1beta1" | "v1alpha3" "virtualservices" namespaced;
    DestinationRule "networking.istio.io" "v1" | "v1beta1" | "v1alpha3" "destinationrules" namespaced;
    Gateway "networking.istio.io" "v1" | "v1beta1" | "v1alpha3" "gateways" namespaced;
    Sidecar "networking.istio.io" "v1" | "v1beta1" | "v1alpha3" "sidecars" namespaced;
    EnvoyFilter "networking.istio.io" "v1alpha3" "envoyfilters" namespaced;
    ProxyConfig "networking.istio.io" "v1beta1" "proxyconfigs" namespaced;
    WorkloadEntry "networking.istio.io" "v1" | "v1beta1" | "v1alpha3" "workloadentries" namespaced;
    WorkloadGroup "networking.istio.io" "v1" | "v1beta1" | "v1alpha3" "workloadgroups" namespaced;
    RequestAuthentication "security.istio.io" "v1" | "v1beta1" "requestauthentications" namespaced;
    WasmPlugin "extensions.istio.io" "v1alpha1" "wasmplugins" namespaced;
    TrafficExtension "extensions.istio.io" "v1alpha1" "trafficextensions" namespaced;
    AuthorizationPolicy "security.istio.io" "v1" | "v1beta1" "authorizationpolicies" namespaced;
    PeerAuthentication "security.istio.io" "v1" | "v1beta1" "peerauthentications" namespaced;
    Telemetry "telemetry.istio.io" "v1" | "v1alpha1" "telemetries" namespaced;
    K8sGateway = "Gateway" "gateway.networking.k8s.io" "v1" | "v1beta1" | "v1alpha2" "gateways" namespaced;
    HTTPRoute "gateway.networking.k8s.io" "v1" | "v1beta1" | "v1alpha2" "httproutes" namespaced;
    TLSRoute "gateway.networking.k8s.io" "v1" | "v1alpha3" | "v1alpha2" "tlsroutes" namespaced;
    TCPRoute "gateway.networking.k8s.io" "v1" | "v1alpha3" | "v1alpha2" "tcproutes" namespaced;
    BackendTLSPolicy "gateway.networking.k8s.io" "v1" | "v1alpha3" | "v1alpha2" "backendtlspolicies" namespaced;
    IstioOperator "install.istio.io" "v1alpha1" "istiooperators" namespaced;
}

impl Kind {
    /// The version that is used unless an API server has others.
    pub fn version(self) -> &'static str {
        self.versions().first().copied().unwrap_or("v1")
    }

    /// Whether it comes from a CustomResourceDefinition, so that a server may not have it, or at
    /// other versions. What Kubernetes itself has is there at the one version that we use.
    pub fn is_defined(self) -> bool {
        let group = self.group();
        group.ends_with(".istio.io") || group == "gateway.networking.k8s.io"
    }

    /// Whether an Istio that is supported may be too old for it: then that it is missing is no
    /// news.
    pub fn is_recent(self) -> bool {
        self == Kind::TrafficExtension
    }

    /// `apiVersion:` of its objects at the version that is used unless a server has others.
    pub fn api_version(self) -> String {
        self.api_version_at(self.version())
    }

    /// `apiVersion:` of its objects at a version.
    pub fn api_version_at(self, version: &str) -> String {
        match self.group() {
            "" => version.into(),
            group => format!("{group}/{version}"),
        }
    }

    /// The kind of that name in that group, whatever the version.
    pub fn find(group: &str, name: &str) -> Option<Kind> {
        Kind::ALL
            .iter()
            .copied()
            .find(|k| k.name() == name && k.group() == group)
    }

    /// The path of its list at one version: in one namespace, or in all of them.
    pub fn list_path_at(self, version: &str, namespace: Option<&str>) -> String {
        let root = match self.group() {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        match namespace {
            Some(namespace) if self.namespaced() => {
                format!("{root}/namespaces/{namespace}/{}", self.plural())
            }
            _ => format!("{root}/{}", self.plural()),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
