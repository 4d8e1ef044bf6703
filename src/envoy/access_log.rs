//! A line of Envoy's access log, in Istio's own text format or as JSON: which host a connection was
//! for, and which cluster took it (istio.io/docs/tasks/observability/logs/access-log;
//! pilot/pkg/model/telemetry_logging.go).

use serde_json::Value;
use std::net::SocketAddr;

/// What a line says about a connection that leaves a sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The server name of the TLS that was seen, else the Host header, without a port; empty where
    /// there was neither.
    pub host: String,
    /// Whether the name is that of TLS.
    pub tls: bool,
    /// The port that the application connected to.
    pub port: u16,
    /// The cluster that took it, `PassthroughCluster` for instance.
    pub cluster: String,
}

impl Logged {
    /// Read a line; nothing where it is none of an access log in one of these formats.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('{') {
            let entry: Value = serde_json::from_str(line).ok()?;
            let text = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
            let local = text("downstream_local_address");
            return Self::of(
                &text("authority"),
                &text("requested_server_name"),
                (&text("upstream_cluster"), &local),
            );
        }
        if !line.starts_with('[') {
            return None;
        }
        // …"AUTHORITY" "UPSTREAM_HOST" CLUSTER UPSTREAM_LOCAL DOWNSTREAM_LOCAL DOWNSTREAM_REMOTE
        // SNI ROUTE
        let mut quoted = line.rsplit('"');
        let rest: Vec<&str> = quoted.next()?.split_whitespace().collect();
        let authority = quoted.nth(2)?;
        let &[cluster, _, local, _, server_name, ..] = rest.as_slice() else {
            return None;
        };
        Self::of(authority, server_name, (cluster, local))
    }

    fn of(authority: &str, server_name: &str, (cluster, local): (&str, &str)) -> Option<Self> {
        let port = local.parse::<SocketAddr>().ok()?.port();
        let tls = !matches!(server_name, "-" | "");
        let host = if tls {
            server_name
        } else {
            authority.trim_start_matches('-')
        };
        let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
        Some(Self {
            host: host.to_owned(),
            tls,
            port,
            cluster: cluster.to_owned(),
        })
    }

    /// Whether it left as it was, or was held back for nobody declares where it goes.
    pub fn is_undeclared(&self) -> bool {
        ["PassthroughCluster", "BlackHoleCluster"].contains(&self.cluster.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_are_read() {
        let tls = r#"[2026-11-24T20:00:00.000Z] "- - -" 0 - - - "-" 1 2 3 - "-" "-" "-" "-" "203.0.113.10:443" PassthroughCluster 10.0.0.1:1 203.0.113.10:443 10.0.0.1:2 edition.cnn.com -"#;
        let http = r#"[2026-11-24T20:00:00.000Z] "GET / HTTP/1.1" 301 - via_upstream - "-" 0 1 2 1 "-" "curl/7" "id" "other.example.com:80" "203.0.113.11:80" PassthroughCluster 10.0.0.1:1 203.0.113.11:80 10.0.0.1:2 - allow_any"#;
        let json = r#"{"authority":"-","requested_server_name":"a.example.com","upstream_cluster":"BlackHoleCluster","downstream_local_address":"[2001:db8::1]:443"}"#;
        let told = |line: &str| {
            let logged = Logged::parse(line).expect("a line of an access log");
            assert!(logged.is_undeclared());
            (logged.host, logged.tls, logged.port)
        };
        assert_eq!(told(tls), ("edition.cnn.com".into(), true, 443));
        assert_eq!(told(http), ("other.example.com".into(), false, 80));
        assert_eq!(told(json), ("a.example.com".into(), true, 443));
    }

    #[test]
    fn other_lines_are_passed_over() {
        for line in [
            "",
            "2026-11-24T20:31:06Z\tinfo\tReadiness succeeded",
            "[x] \"",
            "{\"level\": \"info\"}",
            "{",
        ] {
            assert_eq!(Logged::parse(line), None, "{line}");
        }
    }
}
