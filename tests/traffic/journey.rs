//! The whole way of one host: straight out, through the gateway, straight out again, judged by
//! where the world outside saw the request come from.

use super::fingerprint::{Fingerprint, Own};
use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::done;

/// One way of one host.
pub(crate) struct Journey {
    /// The client's namespace, and part of the gateway's.
    pub(crate) name: &'static str,
    /// A host that no other test routes, without a dash: its objects are then named as one would
    /// think.
    pub(crate) host: &'static str,
    /// Its port, and the protocol where the port does not say it.
    pub(crate) port: &'static str,
    /// More arguments of `setup`.
    pub(crate) flags: &'static [&'static str],
    pub(crate) scheme: &'static str,
    /// What the host answers, straight and through the gateway.
    pub(crate) answers: (&'static str, &'static str),
    /// The gateway; one that is not there is installed.
    pub(crate) gateway: &'static str,
    /// Port of the sidecar's cluster to the gateway, and the end of its subset's name, which begins
    /// with the host's.
    pub(crate) to_gateway: (u16, &'static str),
    /// Port of the gateway's cluster to the host.
    pub(crate) to_host: u16,
}

/// Another team's host through the found gateway, written by hand as the documentation has it.
const OTHER: &str = include_str!("other_host.yaml");

impl Journey {
    pub(crate) fn go(&self) {
        let _shared = CLUSTER
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let team = Team::new(self.name);
        MESH.apply(OTHER);
        let own = Own {
            namespace: self.name,
            host: self.host,
        };
        let before = Fingerprint::take(&own);
        self.assert_straight(&team, "before setup");

        let base = [
            "--gateway",
            self.gateway,
            "-n",
            self.name,
            "--timeout",
            "90s",
        ];
        let target = self.target();
        let arguments = [&["setup", &target][..], self.flags, &base[..]].concat();
        let run = done(&[&arguments[..], &["-y"]].concat());
        assert!(run.stdout.contains("proven"), "{}", run.stdout);
        self.assert_through(&team);
        let again = done(&arguments);
        assert!(again.stdout.contains("unchanged"), "{}", again.stdout);
        assert_other_host(&team);

        done(&[
            "cleanup",
            self.host,
            "-n",
            self.name,
            "-y",
            "--timeout",
            "90s",
        ]);
        self.assert_straight(&team, "after cleanup");
        before.assert_same(&Fingerprint::take(&own), "after cleanup");
    }

    fn target(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    fn url(&self) -> String {
        let port = self.port.split('=').next().unwrap_or_default();
        match self.scheme {
            "tcp" => format!("tcp://{}:{port}", self.host),
            scheme => format!("{scheme}://{}", self.host),
        }
    }

    fn assert_straight(&self, team: &Team, when: &str) {
        let (answer, seen) = team.seen_from(&self.url());
        assert_eq!(
            (answer.as_str(), &seen),
            (self.answers.0, &vec![team.address.clone()]),
            "{when}"
        );
    }

    fn assert_through(&self, team: &Team) {
        let (namespace, service) = self.gateway.split_once('/').expect("NS/SERVICE");
        let (port, end) = self.to_gateway;
        let subset = format!("{}{end}", self.host.replace('.', "-"));
        let to_gateway =
            format!("outbound|{port}|{subset}|{service}.{namespace}.svc.cluster.local");
        let to_host = format!("outbound|{}||{}", self.to_host, self.host);
        let port = self.port.split('=').next().expect("a port");
        let direct = format!("outbound|{port}||{}", self.host);
        let count = || {
            let pods = MESH.gateway_pods(self.gateway);
            let out = pods.iter().map(|p| {
                MESH.counter(namespace, &super::mesh::text(p, "/metadata/name"), &to_host)
            });
            (
                team.counter(&to_gateway),
                out.sum::<u64>(),
                team.counter(&direct),
            )
        };
        let then = count();
        let (answer, seen) = team.seen_from(&self.url());
        let now = count();
        assert_eq!(answer, self.answers.1, "through the gateway");
        let gateways = MESH.addresses(self.gateway);
        assert!(
            !seen.is_empty() && seen.iter().all(|a| gateways.contains(a)),
            "{seen:?} is not {gateways:?}"
        );
        assert!(
            now.0 > then.0 && now.1 > then.1,
            "the counters did not move: {then:?} {now:?}"
        );
        assert_eq!(now.2, then.2, "something went past the gateway");
    }
}

/// The other team's host still takes the found gateway.
fn assert_other_host(team: &Team) {
    let (answer, seen) = team.seen_from("https://www.wikipedia.org");
    assert_eq!(answer, "200 2");
    assert!(
        seen.iter().all(|a| MESH.addresses(FOUND).contains(a)),
        "{seen:?}"
    );
}
