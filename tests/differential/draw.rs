//! Random egress configurations: valid each for itself, and together full of the collisions that
//! teams make. The same seed draws the same ones.

use serde_json::{Value, json};

/// The namespaces of the clients.
pub(crate) const TEAMS: [&str; 3] = ["diff-a", "diff-b", "diff-c"];

/// The hosts; few, so that objects meet.
pub(crate) const HOSTS: [&str; 6] = [
    "edition.cnn.com",
    "www.wikipedia.org",
    "api.example.com",
    "db.example.com",
    "one.example.com",
    "two.example.com",
];

/// The ports, with what an application speaks there.
pub(crate) const PORTS: [u16; 3] = [80, 443, 5432];

const GATEWAY: &str = "istio-egressgateway.istio-system.svc.cluster.local";

/// A small generator (xorshift64*), so that a seed is all there is to a round.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(bits).expect("31 bits") % sides
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
}

/// One configuration: what a team writes to get one host out.
pub(crate) fn configuration(dice: &mut Dice, number: usize) -> Vec<Value> {
    let host = dice.one(&HOSTS);
    let name = format!("c{number:03}");
    let namespace = place(dice);
    let flow = dice.roll(7);
    let (port, protocol) = match flow {
        0 | 1 => (80, dice.one(&["HTTP", "HTTP", "HTTP2", "TCP"])),
        2..=4 => (443, dice.one(&["TLS", "HTTPS", "TLS", "HTTP", "TCP"])),
        _ => (5432, "TCP"),
    };
    let mut objects = vec![entry(dice, &name, (&namespace, host), (port, protocol))];
    if flow == 6 || dice.chance(10) {
        return objects;
    }
    let mutual = dice.chance(35);
    let gateway_namespace = if dice.chance(80) {
        namespace.clone()
    } else {
        place(dice)
    };
    let (hop, server) = server(dice, (host, port), mutual);
    objects.push(json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "Gateway",
        "metadata": {"name": name, "namespace": gateway_namespace},
        "spec": {"selector": {"istio": if dice.chance(95) { "egressgateway" } else { "another" }}, "servers": [server]},
    }));
    let subset = dice.chance(70).then(|| format!("s{}", dice.roll(4)));
    if let Some(subset) = &subset
        && dice.chance(85)
    {
        objects.push(rule(dice, &name, (&namespace, subset), (host, hop, mutual)));
    }
    objects.push(route(
        dice,
        &name,
        (&namespace, &gateway_namespace),
        (host, port, hop),
        subset.as_deref(),
    ));
    if dice.chance(20) {
        objects.push(outside_rule(dice, &name, host, port));
    }
    if dice.chance(6) {
        objects.push(sidecar(dice, &name));
    }
    objects
}

fn place(dice: &mut Dice) -> String {
    dice.one(&["diff-a", "diff-a", "diff-b", "diff-c", "istio-system"])
        .to_owned()
}

fn exports(dice: &mut Dice) -> Value {
    match dice.roll(10) {
        0 => json!(["."]),
        1 => json!([".", "istio-system"]),
        2 => json!([dice.one(&TEAMS), "istio-system"]),
        3 => json!(["*"]),
        _ => json!([]),
    }
}

fn entry(
    dice: &mut Dice,
    name: &str,
    (namespace, host): (&str, &str),
    (port, protocol): (u16, &str),
) -> Value {
    let host = if dice.chance(6) {
        format!("*.{}", host.split_once('.').expect("a domain").1)
    } else {
        host.to_owned()
    };
    let wild = host.starts_with('*');
    let mut ports = vec![json!({"number": port, "name": "main", "protocol": protocol})];
    if dice.chance(25) {
        let (other, protocol) = if port == 443 {
            (80, "HTTP")
        } else {
            (443, "TLS")
        };
        ports.push(json!({"number": other, "name": "other", "protocol": protocol}));
    }
    let mut spec = json!({"hosts": [host], "ports": ports, "exportTo": exports(dice), "location": "MESH_EXTERNAL"});
    match dice.roll(10) {
        0 => spec["resolution"] = json!("NONE"),
        1 | 2 if !wild => {
            spec["resolution"] = json!("STATIC");
            spec["endpoints"] = json!([{"address": format!("203.0.113.{}", 10 + dice.roll(5))}]);
        }
        _ if wild => spec["resolution"] = json!("NONE"),
        _ => spec["resolution"] = json!("DNS"),
    }
    if dice.chance(15) {
        spec["addresses"] = json!([format!("203.0.113.{}", 10 + dice.roll(5))]);
    }
    json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "ServiceEntry",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}

/// The Service's port that the hop goes to, and the server there.
fn server(dice: &mut Dice, (host, port): (&str, u16), mutual: bool) -> (u16, Value) {
    let hop = if port == 80 { 80 } else { 443 };
    let name = format!("p{}", dice.roll(1000));
    let listed = match dice.roll(12) {
        0 => format!("./{host}"),
        1 => format!("diff-a/{host}"),
        2 => format!("*/{host}"),
        3 => format!("*.{}", host.split_once('.').expect("a domain").1),
        _ => host.to_owned(),
    };
    let number = if dice.chance(95) {
        hop
    } else {
        dice.one(&[80u16, 443, 8443])
    };
    let (protocol, tls) = match (port, mutual) {
        (80, true) => ("HTTPS", Some("ISTIO_MUTUAL")),
        (80, false) => ("HTTP", None),
        (443, true) => ("TLS", Some("ISTIO_MUTUAL")),
        (443, false) => (dice.one(&["TLS", "HTTPS"]), Some("PASSTHROUGH")),
        (_, true) => ("TLS", Some("ISTIO_MUTUAL")),
        (_, false) => ("TCP", None),
    };
    let mut server =
        json!({"port": {"number": number, "name": name, "protocol": protocol}, "hosts": [listed]});
    if let Some(mode) = tls {
        server["tls"] = json!({"mode": mode});
    }
    (hop, server)
}

fn rule(
    dice: &mut Dice,
    name: &str,
    (namespace, subset): (&str, &str),
    (host, hop, mutual): (&str, u16, bool),
) -> Value {
    let mut one = json!({"name": subset});
    if mutual && dice.chance(90) || dice.chance(5) {
        let mut tls = json!({"mode": "ISTIO_MUTUAL"});
        if dice.chance(85) {
            tls["sni"] = json!(if dice.chance(93) {
                host
            } else {
                dice.one(&HOSTS)
            });
        }
        one["trafficPolicy"] = if dice.chance(70) {
            json!({"portLevelSettings": [{"port": {"number": hop}, "tls": tls}]})
        } else {
            json!({"tls": tls})
        };
    }
    let mut spec = json!({"host": GATEWAY, "subsets": [one], "exportTo": exports(dice)});
    if dice.chance(8) {
        spec["workloadSelector"] = json!({"matchLabels": {"app": dice.one(&["client", "nobody"])}});
        spec["exportTo"] = json!([]);
    }
    if dice.chance(8) {
        spec["trafficPolicy"] = json!({"tls": {"mode": dice.one(&["DISABLE", "ISTIO_MUTUAL"])}});
    }
    let at = if dice.chance(75) {
        namespace.to_owned()
    } else {
        place(dice)
    };
    json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "DestinationRule",
        "metadata": {"name": name, "namespace": at}, "spec": spec,
    })
}

fn route(
    dice: &mut Dice,
    name: &str,
    (namespace, gateway_namespace): (&str, &str),
    (host, port, hop): (&str, u16, u16),
    subset: Option<&str>,
) -> Value {
    let gateway = if namespace == gateway_namespace {
        name.to_owned()
    } else {
        format!("{gateway_namespace}/{name}")
    };
    let mut destination = json!({"host": GATEWAY, "port": {"number": hop}});
    if let Some(subset) = subset {
        destination["subset"] = json!(subset);
    }
    let outside = if dice.chance(96) { port } else { 443 };
    let second = json!([{"destination": {"host": host, "port": {"number": outside}}}]);
    let first = json!([{"destination": destination}]);
    let mesh_port = if dice.chance(95) {
        port
    } else {
        dice.one(&PORTS)
    };
    let mut mesh = json!({"gateways": ["mesh"], "port": mesh_port});
    let mut exit = json!({"gateways": [gateway], "port": hop});
    if dice.chance(6) {
        mesh["sourceLabels"] = json!({"app": dice.one(&["client", "nobody"])});
    }
    let hosts = if dice.chance(92) {
        json!([host])
    } else {
        json!([format!("*.{}", host.split_once('.').expect("a domain").1)])
    };
    let mut spec =
        json!({"hosts": hosts, "gateways": ["mesh", gateway], "exportTo": exports(dice)});
    let block = match port {
        80 => dice.one(&["http", "http", "http", "http", "tcp"]),
        443 => dice.one(&["tls", "tls", "tls", "tls", "http"]),
        _ => "tcp",
    };
    if block == "tls" {
        mesh["sniHosts"] = json!([host]);
        // A server that ends TLS takes tcp rules, one that hands it on tls rules: both are drawn.
        if dice.chance(60) {
            exit["sniHosts"] = json!([host]);
            spec["tls"] =
                json!([{"match": [mesh], "route": first}, {"match": [exit], "route": second}]);
        } else {
            spec["tls"] = json!([{"match": [mesh], "route": first}]);
            spec["tcp"] = json!([{"match": [exit], "route": second}]);
        }
    } else {
        spec[block] =
            json!([{"match": [mesh], "route": first}, {"match": [exit], "route": second}]);
    }
    json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    })
}

fn outside_rule(dice: &mut Dice, name: &str, host: &str, port: u16) -> Value {
    let tls = match dice.roll(3) {
        0 => json!({"mode": "SIMPLE"}),
        1 => json!({"mode": "SIMPLE", "sni": host}),
        _ => json!({"mode": "DISABLE"}),
    };
    let policy = if dice.chance(70) {
        json!({"portLevelSettings": [{"port": {"number": port}, "tls": tls}]})
    } else {
        json!({"tls": tls})
    };
    let host = if dice.chance(90) {
        host.to_owned()
    } else {
        format!("*.{}", host.split_once('.').expect("a domain").1)
    };
    json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "DestinationRule",
        "metadata": {"name": format!("{name}-out"), "namespace": place(dice)},
        "spec": {"host": host, "trafficPolicy": policy, "exportTo": exports(dice)},
    })
}

fn sidecar(dice: &mut Dice, name: &str) -> Value {
    let mut egress = vec![
        json!({"hosts": dice.one(&[json!(["*/*"]), json!(["./*", "istio-system/*"]), json!(["./*", "diff-a/*", "istio-system/*"])])}),
    ];
    if dice.chance(30) {
        egress.insert(0, json!({"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [dice.one(&["./*", "diff-a/*", "*/*"])]}));
    }
    let mut spec = json!({"egress": egress});
    if dice.chance(40) {
        spec["outboundTrafficPolicy"] = json!({"mode": dice.one(&["REGISTRY_ONLY", "ALLOW_ANY"])});
    }
    json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "Sidecar",
        "metadata": {"name": name, "namespace": dice.one(&TEAMS)}, "spec": spec,
    })
}

/// What every proxy must have before a round is judged: a host that comes last, in a table of
/// routes and in a listener.
pub(crate) fn marker(round: usize) -> (String, Vec<Value>) {
    let host = format!("round-{round}.marker.test");
    let entry = json!({
        "apiVersion": "networking.istio.io/v1beta1", "kind": "ServiceEntry",
        "metadata": {"name": "zz-marker", "namespace": "istio-system"},
        "spec": {"hosts": [host], "location": "MESH_EXTERNAL", "resolution": "STATIC", "endpoints": [{"address": "203.0.113.9"}],
            "ports": [{"number": 6000, "name": "http", "protocol": "HTTP"}, {"number": 6001, "name": "tls", "protocol": "TLS"}]},
    });
    (host, vec![entry])
}
