//! How a gateway comes to be: one file per installer, all fed by the same `IstioOperator` patch,
//! and one that finds the gateways that are there.

mod choose;
mod edit;
mod found;
mod injection;
mod istioctl;
mod istiooperator;
mod patch;
mod ready;
mod reconciler;
mod strangers;
mod users;
mod work;

pub use choose::{Choice, choose};
pub use found::{FoundGateway, find_gateways};
pub use injection::objects as injected_objects;
pub use istioctl::Istioctl;
pub use patch::{GatewayPatch, K8s, ServicePatch, parse_label, parse_toleration};
pub use ready::wait_ready;
pub use users::users;
pub use work::{Work, plan, undo};

/// `--installer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Installer {
    /// Use the gateway that is there; where there is none, install one by injection
    #[default]
    Auto,
    /// A Deployment whose pods istiod's webhook turns into gateways
    Injection,
    /// A live `IstioOperator` object that an operator in the cluster reconciles (Istio 1.23 and
    /// older)
    #[value(name = "istiooperator")]
    IstioOperator,
    /// The `IstioOperator` file that Istio is installed from (--istio-operator FILE), by istioctl
    /// install
    Istioctl,
    /// Install nothing: use the gateway that is there
    None,
}

impl Installer {
    /// Its name, as the flag takes it.
    pub fn name(self) -> &'static str {
        match self {
            Installer::Auto => "auto",
            Installer::Injection => "injection",
            Installer::IstioOperator => "istiooperator",
            Installer::Istioctl => "istioctl",
            Installer::None => "none",
        }
    }
}
