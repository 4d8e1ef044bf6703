//! The declarative form of setup: one entry for each host outside, in a file that can live in a
//! repository.
//!
//! ```yaml
//! apiVersion: egress.report/v1
//! kind: Egress
//! metadata: {name: team-a}
//! spec:
//!   gateway: istio-system/istio-egressgateway
//!   from: [team-a]
//!   hosts:
//!   - {host: edition.cnn.com, ports: [80, 443=tls]}
//!   - {host: db.example.com, ports: [5432=tcp], from: [team-a/deploy/api]}
//! ```

use super::spec::{EgressSpec, FlowOptions, GatewayName, HopChoice, PortRequest, ServiceAccount};
use crate::error::Error;
use crate::model::target::{Client, Host, Target, is_label};
use crate::yaml;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// `apiVersion` of the file.
const API_VERSION: &str = "egress.report/v1";

/// Hosts outside the mesh that go through an egress gateway, and who calls them
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Egress")]
struct File {
    /// egress.report/v1
    api_version: String,
    /// Egress
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Metadata {
    /// The name of the set: --prune takes away what an earlier version of it had
    name: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    /// The gateway's Service: NAMESPACE/SERVICE
    gateway: Option<String>,
    /// Labels of the gateway's pods: with them, --dry-run=client needs no cluster
    #[serde(default)]
    gateway_selector: BTreeMap<String, String>,
    /// Ports of the gateway's Service, where no cluster is asked (80 and 443 where nothing is said)
    #[serde(default)]
    gateway_ports: Vec<u16>,
    /// Who calls: NAMESPACE[/KIND/NAME]
    #[serde(default)]
    from: Vec<String>,
    /// The hosts
    hosts: Vec<HostEntry>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HostEntry {
    /// A name, or a wildcard of names that one server answers
    host: String,
    /// PORT or PORT=PROTOCOL, with http, https, tls or tcp; 443=tls where nothing is said
    #[serde(default)]
    ports: Vec<Port>,
    /// Who calls this host, in place of spec.from
    #[serde(default)]
    from: Vec<String>,
    /// The application speaks HTTP, and the gateway starts TLS
    #[serde(default)]
    originate_tls: bool,
    /// A Secret in the gateway's namespace with the client certificate for the host
    client_cert: Option<String>,
    /// TLS between sidecar and gateway
    #[serde(default)]
    hop: HopChoice,
    /// The addresses of a tcp host
    #[serde(default)]
    addresses: Vec<IpAddr>,
    /// Service accounts that may call: NAMESPACE/NAME; everybody where nothing is said
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    allow: Vec<ServiceAccount>,
    /// The one server that answers for a wildcard
    #[schemars(with = "Option<String>")]
    server: Option<Host>,
}

#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a port is a number from 1 to 65535, or PORT=PROTOCOL with http, https, tls or tcp"
)]
enum Port {
    Number(u16),
    Text(String),
}

/// The JSON schema of the file.
pub fn schema() -> Result<String, Error> {
    serde_json::to_string_pretty(&schema_for!(File)).map_err(|e| Error::Failed(e.to_string()))
}

/// What a file says about its gateway, where it says so much that no cluster need be asked.
pub fn known_gateway(path: &str, text: &str) -> Result<Option<KnownGateway>, Error> {
    let wrong = |reason: String| Error::Input {
        path: path.into(),
        reason,
    };
    let file: File = serde_saphyr::from_str(text).map_err(|e| yaml::unreadable(path, &e))?;
    let (Some(name), false) = (file.spec.gateway, file.spec.gateway_selector.is_empty()) else {
        return Ok(None);
    };
    let name = name
        .parse()
        .map_err(|e| wrong(format!("spec.gateway: {e}")))?;
    let ports = if file.spec.gateway_ports.is_empty() {
        vec![80, 443]
    } else {
        file.spec.gateway_ports
    };
    Ok(Some(KnownGateway {
        name,
        selector: file.spec.gateway_selector,
        ports,
    }))
}

/// A gateway as a file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownGateway {
    /// Its Service.
    pub name: GatewayName,
    /// Labels of its pods.
    pub selector: BTreeMap<String, String>,
    /// Its Service's ports.
    pub ports: Vec<u16>,
}

/// Read a file; clients that it does not name are those of `namespace`. Errors name the entry.
pub fn read(path: &str, text: &str, namespace: &str) -> Result<EgressSpec, Error> {
    let wrong = |reason: String| Error::Input {
        path: path.into(),
        reason,
    };
    let file: File = serde_saphyr::from_str(text).map_err(|e| yaml::unreadable(path, &e))?;
    if file.api_version != API_VERSION || file.kind != "Egress" {
        return Err(wrong(format!(
            "it is {} {}, not {API_VERSION} Egress",
            file.api_version, file.kind
        )));
    }
    if !is_label(&file.metadata.name) {
        return Err(wrong(format!(
            "metadata.name {:?} is not a name",
            file.metadata.name
        )));
    }
    let gateway = file
        .spec
        .gateway
        .as_deref()
        .map(str::parse::<GatewayName>)
        .transpose();
    let gateway = gateway.map_err(|e| wrong(format!("spec.gateway: {e}")))?;
    let mut requests = Vec::new();
    for (at, entry) in file.spec.hosts.iter().enumerate() {
        let place = |e: String| wrong(format!("spec.hosts[{at}]: {e}"));
        let from = if entry.from.is_empty() {
            &file.spec.from
        } else {
            &entry.from
        };
        requests.extend(entry.requests(from, namespace).map_err(place)?);
    }
    Ok(EgressSpec {
        requests,
        gateway,
        set: Some(file.metadata.name),
    })
}

impl HostEntry {
    fn requests(&self, from: &[String], namespace: &str) -> Result<Vec<PortRequest>, String> {
        let mut clients = from
            .iter()
            .map(|c| c.parse())
            .collect::<Result<Vec<Client>, String>>()?;
        if clients.is_empty() {
            clients.push(Client::namespace(namespace));
        }
        if self.client_cert.is_some() && !self.originate_tls {
            return Err("clientCert needs originateTls: true".into());
        }
        let options = FlowOptions {
            originate_tls: self.originate_tls,
            client_cert: self.client_cert.clone(),
            hop: self.hop,
            addresses: self.addresses.clone(),
            allow: self.allow.clone(),
            server: self.server.clone(),
        };
        let request = |target| PortRequest {
            target,
            clients: clients.clone(),
            options: options.clone(),
        };
        Ok(self.targets()?.into_iter().map(request).collect())
    }

    fn targets(&self) -> Result<Vec<Target>, String> {
        if self.ports.is_empty() {
            return Ok(vec![self.host.parse()?]);
        }
        let text = |port: &Port| match port {
            Port::Number(number) => format!("{}:{number}", self.host),
            Port::Text(text) => format!("{}:{text}", self.host),
        };
        self.ports.iter().map(|port| text(port).parse()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
apiVersion: egress.report/v1
kind: Egress
metadata: {name: team-a}
spec:
  gateway: istio-system/istio-egressgateway
  from: [team-a]
  hosts:
  - {host: edition.cnn.com, ports: [80, 443=tls]}
  - {host: db.example.com, ports: [5432=tcp], from: [team-b/deploy/api], addresses: \
  [203.0.113.13], hop: plain}
";

    #[test]
    fn a_file_is_the_same_wish_as_arguments() {
        let spec = read("f", FILE, "default").unwrap();
        let targets: Vec<String> = spec.requests.iter().map(|w| w.target.to_string()).collect();
        assert_eq!(
            targets,
            [
                "edition.cnn.com:80",
                "edition.cnn.com:443",
                "db.example.com:5432"
            ]
        );
        assert_eq!(
            spec.requests[2].clients,
            ["team-b/deploy/api".parse().unwrap()]
        );
        assert_eq!(
            (spec.requests[2].options.hop, spec.set.as_deref()),
            (HopChoice::Plain, Some("team-a"))
        );
        assert_eq!(
            spec.gateway.unwrap().to_string(),
            "istio-system/istio-egressgateway"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (from, to, reason) in [
            ("edition.cnn.com", "a..b", "spec.hosts[0]"),
            ("5432=tcp", "5432", "spec.hosts[1]"),
            (
                "kind: Egress",
                "kind: Ingress",
                "not egress.report/v1 Egress",
            ),
            ("hosts:", "host:", "host"),
            ("name: team-a", "name: Team_A", "metadata.name"),
            ("gateway: istio-system/", "gateway: ", "spec.gateway"),
        ] {
            let error = read("f", &FILE.replacen(from, to, 1), "default")
                .unwrap_err()
                .to_string();
            assert!(error.contains(reason), "{from}: {error}");
        }
    }
}
