//! The status for people: a table as kubectl prints them, and below it what deserves a sentence.

use super::{HostStatus, NamespaceStatus, Status, THROUGH};

/// The table; `wide` has more columns.
pub fn table(status: &Status, wide: bool) -> String {
    let mut rows = vec![header(status, wide)];
    rows.extend(status.hosts.iter().map(|host| line(status, host, wide)));
    let none = if status.incomplete.is_empty() {
        "no host goes"
    } else {
        "no host is seen to go"
    };
    let mut text = if status.hosts.is_empty() {
        format!("{none} through a gateway\n")
    } else {
        align(&rows)
    };
    for sentence in sentences(status, wide) {
        text.push_str(&sentence);
        text.push('\n');
    }
    text
}

/// `host:port`, one a line.
pub fn names(status: &Status) -> String {
    status
        .hosts
        .iter()
        .map(|h| format!("{}:{}", h.host, h.port))
        .collect::<Vec<_>>()
        .join("\n")
}

fn rated(status: &Status) -> bool {
    status
        .hosts
        .iter()
        .any(|h| h.traffic.is_some_and(|t| t.requests_per_second.is_some()))
}

fn header(status: &Status, wide: bool) -> Vec<String> {
    let mut names = vec![
        "HOST",
        "PORT",
        "PROTOCOL",
        "GATEWAY",
        "HOP",
        "CLIENTS",
        "CONNECTIONS",
        "REQUESTS",
    ];
    if rated(status) {
        names.extend(["CONN/S", "REQ/S"]);
    }
    names.extend(["LOCKED", "PATH"]);
    if wide {
        names.extend(["OPEN", "FAILED", "PODS", "NODES", "DIRECT", "BY"]);
    }
    names.into_iter().map(str::to_owned).collect()
}

fn line(status: &Status, host: &HostStatus, wide: bool) -> Vec<String> {
    let count = |of: fn(&super::Traffic) -> u64| {
        host.traffic
            .as_ref()
            .map_or("?".into(), |t| of(t).to_string())
    };
    let rate = |of: fn(&super::Traffic) -> Option<f64>| {
        host.traffic
            .as_ref()
            .and_then(of)
            .map_or("?".into(), |rate| format!("{rate:.1}"))
    };
    let mut cells = vec![
        host.host.clone(),
        host.port.to_string(),
        host.protocol.to_owned(),
        or_dash(&host.gateway),
        or_dash(host.hop),
        host.clients.join(","),
        count(|t| t.connections),
        count(|t| t.requests),
    ];
    if rated(status) {
        cells.extend([
            rate(|t| t.connections_per_second),
            rate(|t| t.requests_per_second),
        ]);
    }
    cells.extend([
        locked(status, host),
        if host.path == THROUGH {
            "gateway".into()
        } else {
            host.path.clone()
        },
    ]);
    if wide {
        let gateway = status.gateways.iter().find(|g| g.gateway == host.gateway);
        let pods = gateway.map(|g| g.pods.as_slice()).unwrap_or_default();
        let ready = pods.iter().filter(|p| p.ready).count();
        let mut nodes: Vec<&str> = pods.iter().map(|p| p.node.as_str()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let direct: Vec<String> = host.direct.iter().map(ToString::to_string).collect();
        cells.extend([
            count(|t| t.open),
            count(|t| t.failed),
            format!("{ready}/{}", pods.len()),
            or_dash(&nodes.join(",")),
            or_dash(&direct.join(",")),
            if host.ours {
                "us".into()
            } else {
                "others".into()
            },
        ]);
    }
    cells
}

/// One word where all clients are alike, else the namespaces that differ.
fn locked(status: &Status, host: &HostStatus) -> String {
    let of = |client: &String| {
        status
            .namespaces
            .iter()
            .find(|n| n.namespace == *client)
            .map_or("none", |n| n.lockdown)
    };
    let mut words: Vec<&str> = host.clients.iter().map(of).collect();
    words.dedup();
    match words.as_slice() {
        [one] => (*one).to_owned(),
        _ => host
            .clients
            .iter()
            .map(|c| format!("{c}:{}", of(c)))
            .collect::<Vec<_>>()
            .join(","),
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "-".into()
    } else {
        text.to_owned()
    }
}

fn sentences(status: &Status, wide: bool) -> Vec<String> {
    let mut all = Vec::new();
    if !wide {
        for host in status.hosts.iter().filter(|h| !h.direct.is_empty()) {
            let ports: Vec<String> = host.direct.iter().map(ToString::to_string).collect();
            let held = if locked(status, host) == "enforced" {
                "; a policy closes that way"
            } else {
                ""
            };
            all.push(format!(
                "direct    {} leaves directly on port {}{held}",
                host.host,
                ports.join(", ")
            ));
        }
    }
    for namespace in &status.namespaces {
        all.extend(uncaptured(namespace));
    }
    for gateway in &status.gateways {
        for pod in &gateway.pods {
            let state = if pod.ready { "ready" } else { "NOT READY" };
            all.push(format!(
                "gateway   {}: {} on {} ({}), {state}",
                gateway.gateway,
                pod.pod,
                or_dash(&pod.node),
                pod.address
            ));
        }
    }
    all.extend(
        status
            .drift
            .iter()
            .map(|d| format!("DRIFT     {}: {}", d.object, d.what)),
    );
    all.extend(
        status
            .incomplete
            .iter()
            .map(|why| format!("not read  {why}")),
    );
    all
}

fn uncaptured(namespace: &NamespaceStatus) -> Option<String> {
    let NamespaceStatus {
        namespace,
        lockdown,
        without_sidecar,
    } = namespace;
    if without_sidecar.is_empty() {
        return None;
    }
    let way = if *lockdown == "enforced" {
        "a policy enforces it"
    } else {
        "they leave directly"
    };
    Some(format!(
        "direct    without a sidecar in {namespace}: {}; {way}",
        without_sidecar.join(", ")
    ))
}

/// Columns with three spaces between them.
fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |at: usize| {
        rows.iter()
            .map(|r| r[at].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("   ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::Traffic;
    use super::*;

    #[test]
    fn a_table_says_what_it_does_not_know() {
        let host = HostStatus {
            host: "x.example".into(),
            port: 443,
            protocol: "tls",
            gateway: "egress/gw".into(),
            hop: "mtls",
            clients: vec!["a".into(), "b".into()],
            path: THROUGH.into(),
            direct: vec![80],
            ..HostStatus::default()
        };
        let traffic = Traffic {
            connections: 3,
            requests: 4,
            ..Traffic::default()
        };
        let counted = HostStatus {
            traffic: Some(traffic),
            port: 8443,
            ..host.clone()
        };
        let of = |namespace: &str, lockdown| NamespaceStatus {
            namespace: namespace.into(),
            lockdown,
            without_sidecar: vec![],
        };
        let status = Status {
            hosts: vec![host, counted],
            namespaces: vec![of("a", "enforced"), of("b", "none")],
            ..Status::default()
        };
        let text = table(&status, false);
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|l| l.split_whitespace().collect())
            .collect();
        let expected = [
            "x.example",
            "443",
            "tls",
            "egress/gw",
            "mtls",
            "a,b",
            "?",
            "?",
            "a:enforced,b:none",
            "gateway",
        ];
        assert_eq!(lines[1], expected);
        assert_eq!(lines[2][6..8], ["3", "4"]);
        assert!(
            text.contains("x.example leaves directly on port 80"),
            "{text}"
        );
        assert_eq!(names(&status), "x.example:443\nx.example:8443");
    }
}
