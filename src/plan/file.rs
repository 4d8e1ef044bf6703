//! The declarative form of a wish: one entry for each host outside, in a file that can live in a repository.
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

use super::spec::{EgressSpec, FlowOptions, GatewayName, HopWish, ServiceAccount, Wish};
use crate::error::Error;
use crate::model::target::{Client, Target, is_label};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// `apiVersion` of the file.
const API_VERSION: &str = "egress.report/v1";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    gateway: Option<String>,
    #[serde(default)]
    from: Vec<String>,
    hosts: Vec<HostEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HostEntry {
    host: String,
    #[serde(default)]
    ports: Vec<Port>,
    #[serde(default)]
    from: Vec<String>,
    #[serde(default)]
    originate_tls: bool,
    client_cert: Option<String>,
    #[serde(default)]
    hop: HopWish,
    #[serde(default)]
    addresses: Vec<IpAddr>,
    #[serde(default)]
    allow: Vec<ServiceAccount>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(String),
}

/// Read a file; clients that it does not name are those of `namespace`. Errors name the entry.
pub fn read(path: &str, text: &str, namespace: &str) -> Result<EgressSpec, Error> {
    let wrong = |reason: String| Error::Input { path: path.into(), reason };
    let file: File = serde_saphyr::from_str(text).map_err(|e| wrong(e.to_string()))?;
    if file.api_version != API_VERSION || file.kind != "Egress" {
        return Err(wrong(format!("it is {} {}, not {API_VERSION} Egress", file.api_version, file.kind)));
    }
    if !is_label(&file.metadata.name) {
        return Err(wrong(format!("metadata.name {:?} is not a name", file.metadata.name)));
    }
    let gateway = file.spec.gateway.as_deref().map(str::parse::<GatewayName>).transpose();
    let gateway = gateway.map_err(|e| wrong(format!("spec.gateway: {e}")))?;
    let mut wishes = Vec::new();
    for (at, entry) in file.spec.hosts.iter().enumerate() {
        let place = |e: String| wrong(format!("spec.hosts[{at}]: {e}"));
        let from = if entry.from.is_empty() { &file.spec.from } else { &entry.from };
        wishes.extend(entry.wishes(from, namespace).map_err(place)?);
    }
    Ok(EgressSpec { wishes, gateway, set: Some(file.metadata.name) })
}

impl HostEntry {
    fn wishes(&self, from: &[String], namespace: &str) -> Result<Vec<Wish>, String> {
        let mut clients = from.iter().map(|c| c.parse()).collect::<Result<Vec<Client>, String>>()?;
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
        };
        let wish = |target| Wish { target, clients: clients.clone(), options: options.clone() };
        Ok(self.targets()?.into_iter().map(wish).collect())
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
  - {host: db.example.com, ports: [5432=tcp], from: [team-b/deploy/api], addresses: [203.0.113.13], hop: plain}
";

    #[test]
    fn a_file_is_the_same_wish_as_arguments() {
        let spec = read("f", FILE, "default").unwrap();
        let targets: Vec<String> = spec.wishes.iter().map(|w| w.target.to_string()).collect();
        assert_eq!(targets, ["edition.cnn.com:80", "edition.cnn.com:443", "db.example.com:5432"]);
        assert_eq!(spec.wishes[2].clients, ["team-b/deploy/api".parse().unwrap()]);
        assert_eq!((spec.wishes[2].options.hop, spec.set.as_deref()), (HopWish::Plain, Some("team-a")));
        assert_eq!(spec.gateway.unwrap().to_string(), "istio-system/istio-egressgateway");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (from, to, reason) in [
            ("edition.cnn.com", "a..b", "spec.hosts[0]"),
            ("5432=tcp", "5432", "spec.hosts[1]"),
            ("kind: Egress", "kind: Ingress", "not egress.report/v1 Egress"),
            ("hosts:", "host:", "host"),
            ("name: team-a", "name: Team_A", "metadata.name"),
            ("gateway: istio-system/", "gateway: ", "spec.gateway"),
        ] {
            let error = read("f", &FILE.replacen(from, to, 1), "default").unwrap_err().to_string();
            assert!(error.contains(reason), "{from}: {error}");
        }
    }
}
