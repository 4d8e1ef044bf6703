//! The host outside, played by a server in a namespace without sidecars: with odd certificates,
//! ciphers, protocols, or not there at all. The gateway starts TLS to it.

use crate::mesh::MESH;
use crate::site::{Site, Want};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// The port of the server's pod that nothing listens on.
const CLOSED: u16 = 9;

struct Pki {
    authority: String,
    certificate: String,
    key: String,
}

/// A certificate for a name from year to year, signed by an authority of its own.
fn pki(name: &str, years: (i32, i32), algorithm: &'static rcgen::SignatureAlgorithm) -> Pki {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(DnType::CommonName, "Partner Root");
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2040, 1, 1));
    let root_key = KeyPair::generate().expect("a key");
    let root = params.self_signed(&root_key).expect("a root");
    let issuer = Issuer::new(params, root_key);
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) =
        (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    let key = KeyPair::generate_for(algorithm).expect("a key");
    let leaf = params.signed_by(&key, &issuer).expect("a certificate");
    Pki {
        authority: root.pem(),
        certificate: leaf.pem(),
        key: key.serialize_pem(),
    }
}

fn good(name: &str) -> Pki {
    pki(name, (2024, 2040), &rcgen::PKCS_ECDSA_P256_SHA256)
}

fn indented(pem: &str) -> String {
    pem.lines().map(|l| format!("    {l}\n")).collect()
}

/// Serve the host with that certificate and those options of `openssl s_server`, and have the
/// gateway start TLS to it, trusting an authority.
fn serve(site: &Site, pki: &Pki, (options, trusted): (&str, &str)) {
    let command = format!(
        "exec openssl s_server -accept 8443 -www -quiet -cert /tls/tls.crt -key /tls/tls.key \
         {options}"
    );
    play(site, pki, (&command, 8443, trusted));
}

fn play(site: &Site, pki: &Pki, (command, port, trusted): (&str, u16, &str)) {
    let (namespace, host) = (site.namespace(), &site.host);
    let out = format!("{namespace}-out");
    MESH.apply(&format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {out}}}\n---\napiVersion: v1\nkind: \
         Secret\nmetadata: {{name: tls, namespace: {out}}}\n\
         stringData:\n  tls.crt: |\n{}  tls.key: |\n{}---\napiVersion: apps/v1\nkind: \
         Deployment\nmetadata: {{name: partner, namespace: {out}}}\nspec:\n  \
         selector: {{matchLabels: {{app: partner}}}}\n  template:\n    metadata: {{labels: {{app: \
         partner}}}}\n    spec:\n      \
         terminationGracePeriodSeconds: 0\n      containers:\n      - {{name: server, image: \
         \"localhost/mesh/app:1\", imagePullPolicy: IfNotPresent, \
         command: [sh, -c, \"{command}\"], volumeMounts: [{{name: tls, mountPath: /tls}}]}}\n      \
         volumes: [{{name: tls, secret: {{secretName: tls}}}}]\n---\napiVersion: v1\nkind: \
         Service\nmetadata: {{name: partner, namespace: {out}}}\nspec:\n  \
         selector: {{app: partner}}\n  ports: [{{name: tls, port: 443, targetPort: {port}}}]\n",
        indented(&pki.certificate),
        indented(&pki.key)
    ));
    MESH.kubectl(&[
        "-n",
        &out,
        "rollout",
        "status",
        "deploy/partner",
        "--timeout=90s",
    ]);
    let address = MESH.kubectl(&[
        "-n",
        &out,
        "get",
        "service/partner",
        "-o",
        "jsonpath={.spec.clusterIP}",
    ]);
    MESH.apply(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: partner-ca, namespace: \
         {namespace}}}\nstringData:\n  ca.crt: |\n{}---\n\
         apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: host, \
         namespace: {namespace}}}\nspec:\n  hosts: [{host}]\n  \
         ports: [{{number: 80, name: http, protocol: HTTP}}, {{number: 443, name: https, protocol: \
         HTTPS}}]\n  resolution: STATIC\n  \
         endpoints: [{{address: {address}}}]\n---\n\
         apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: host, \
         namespace: {namespace}}}\nspec:\n  host: {host}\n  \
         trafficPolicy: {{portLevelSettings: [{{port: {{number: 443}}, tls: {{mode: SIMPLE, \
         credentialName: partner-ca, sni: {host}, subjectAltNames: [{host}]}}}}]}}\n",
        indented(trusted)
    ));
    let to_tls = format!(
        r#"[{{"op": "replace", "path": "/spec/http/1/route/0/destination/port/number", "value": 443}}]"#
    );
    site.kubectl(&["patch", "virtualservice/host", "--type=json", "-p", &to_tls]);
}

/// The namespace of the server goes too.
struct Outside(Site);

impl Outside {
    fn new(name: &str) -> Self {
        Self(Site::new(name))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let out = format!("{}-out", self.0.namespace());
        MESH.kubectl(&[
            "delete",
            "namespace",
            &out,
            "--ignore-not-found",
            "--wait=false",
        ]);
    }
}

fn certificate<'a>(words: &'a [&'a str]) -> Want<'a> {
    Want {
        code: "EG504",
        hop: "outside",
        object: ("", ""),
        words,
    }
}

fn refused<'a>(words: &'a [&'a str]) -> Want<'a> {
    Want {
        code: "EG503",
        hop: "outside",
        object: ("", ""),
        words,
    }
}

#[test]
fn a_good_server_is_no_fault() {
    let outside = Outside::new("f-good");
    let pki = good(&outside.0.host);
    serve(&outside.0, &pki, ("", &pki.authority));
    outside.0.healthy();
}

#[test]
fn an_expired_certificate() {
    let outside = Outside::new("f-expired");
    let pki = pki(
        &outside.0.host,
        (2021, 2022),
        &rcgen::PKCS_ECDSA_P256_SHA256,
    );
    serve(&outside.0, &pki, ("", &pki.authority));
    outside.0.named(&certificate(&["expired"]));
}

#[test]
fn a_certificate_of_the_future() {
    let outside = Outside::new("f-future");
    let pki = pki(
        &outside.0.host,
        (2036, 2039),
        &rcgen::PKCS_ECDSA_P256_SHA256,
    );
    serve(&outside.0, &pki, ("", &pki.authority));
    outside.0.named(&certificate(&["valid only from"]));
}

#[test]
fn a_certificate_for_another_name() {
    let outside = Outside::new("f-name");
    let pki = good("somebody-else.example.org");
    serve(&outside.0, &pki, ("", &pki.authority));
    outside.0.named(&Want {
        object: ("DestinationRule", "host"),
        ..certificate(&["another name", "somebody-else"])
    });
}

#[test]
fn another_authority() {
    let outside = Outside::new("f-ca");
    let (pki, other) = (good(&outside.0.host), good("other"));
    serve(&outside.0, &pki, ("", &other.authority));
    outside.0.named(&Want {
        object: ("Secret", "partner-ca"),
        ..certificate(&["CA", "did not sign"])
    });
}

#[test]
fn an_old_cipher_only() {
    let outside = Outside::new("f-cipher");
    let pki = good(&outside.0.host);
    serve(
        &outside.0,
        &pki,
        ("-tls1_2 -cipher ECDHE-ECDSA-AES256-SHA", &pki.authority),
    );
    outside
        .0
        .named(&refused(&["cipher", "ECDHE-ECDSA-AES256-SHA"]));
}

#[test]
fn a_key_on_p384() {
    let outside = Outside::new("f-curve");
    let pki = pki(
        &outside.0.host,
        (2024, 2040),
        &rcgen::PKCS_ECDSA_P384_SHA384,
    );
    serve(&outside.0, &pki, ("-tls1_2", &pki.authority));
    outside.0.named(&refused(&["P-384", "curve"]));
}

#[test]
fn a_server_of_another_protocol() {
    let outside = Outside::new("f-plain");
    let pki = good(&outside.0.host);
    let command = "while true; do printf 'HTTP/1.1 400 Bad Request\\\\r\\\\n\\\\r\\\\n' | nc -l -p \
        8443 -q 1; done";
    play(&outside.0, &pki, (command, 8443, &pki.authority));
    outside.0.named(&refused(&["not TLS"]));
}

#[test]
fn a_server_that_is_down() {
    let outside = Outside::new("f-down");
    let pki = good(&outside.0.host);
    play(&outside.0, &pki, ("sleep infinity", CLOSED, &pki.authority));
    let want = Want {
        code: "EG505",
        hop: "outside",
        object: ("ServiceEntry", "host"),
        words: &["refuses the connection"],
    };
    outside.0.named(&want);
}
