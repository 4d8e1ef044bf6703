//! Each problem, made with certificates of its own, and the certificates of a live mesh.

use super::*;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose as For, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose as May,
    NameConstraints, SanType,
};
use std::time::{Duration, SystemTime};

const ID: &str = "spiffe://cluster.local/ns/istio-system/sa/egress";
const DAY: i64 = 86_400;

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn time(seconds_from_now: i64) -> SystemTime {
    let seconds = u64::try_from(now().as_second() + seconds_from_now).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

fn authority_params(name: &str, below: BasicConstraints) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, name);
    params.is_ca = IsCa::Ca(below);
    params.key_usages = vec![May::KeyCertSign, May::CrlSign];
    (params.not_before, params.not_after) = (time(-DAY).into(), time(3650 * DAY).into());
    params
}

fn root_of(params: CertificateParams) -> Authority {
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { params, key, pem }
}

fn root() -> Authority {
    root_of(authority_params("root", BasicConstraints::Unconstrained))
}

impl Authority {
    fn issue(&self, params: CertificateParams) -> Authority {
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let pem = params.signed_by(&key, &issuer).unwrap().pem();
        Authority { params, key, pem }
    }
}

fn leaf_params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = names
        .iter()
        .map(|name| {
            let uri = name.contains("://");
            if uri {
                SanType::URI((*name).try_into().unwrap())
            } else {
                SanType::DnsName((*name).try_into().unwrap())
            }
        })
        .collect();
    params.key_usages = vec![May::DigitalSignature, May::KeyEncipherment];
    params.extended_key_usages = vec![For::ServerAuth, For::ClientAuth];
    (params.not_before, params.not_after) = (time(-DAY / 4).into(), time(3 * DAY / 4).into());
    params
}

fn workload() -> Expected {
    Expected::Workload {
        id: ID.parse().unwrap(),
        aliases: vec!["old.domain".into()],
    }
}

/// The problems of a leaf that one change was made to.
fn problems(change: impl FnOnce(&mut CertificateParams)) -> Vec<Problem> {
    let root = root();
    let mut params = leaf_params(&[ID]);
    change(&mut params);
    verify(&root.issue(params).pem, &root.pem, &workload(), now()).problems
}

fn with_names(names: &[&str]) -> Vec<Problem> {
    problems(|p| p.subject_alt_names = leaf_params(names).subject_alt_names)
}

#[test]
fn a_good_certificate_has_no_problem_and_says_who_it_is() {
    let root = root();
    let identity = verify(
        &root.issue(leaf_params(&[ID])).pem,
        &root.pem,
        &workload(),
        now(),
    );
    assert_eq!(identity.problems, []);
    assert_eq!(identity.spiffe.as_deref(), Some(ID));
    let leaf = identity.leaf().unwrap();
    assert!((leaf.life_left - 0.75).abs() < 0.01, "{}", leaf.life_left);
    assert_eq!(
        (leaf.key.as_str(), leaf.issuer.as_str()),
        ("EC 256", "O=root")
    );
    assert_eq!(leaf.extended_key_usage, ["serverAuth", "clientAuth"]);
    assert!(leaf.names_critical && !leaf.authority && identity.works());
}

#[test]
fn another_identity_is_told_apart() {
    let of = |id: &str| with_names(&[id]);
    assert_eq!(of("spiffe://old.domain/ns/istio-system/sa/egress"), []);
    assert!(matches!(
        of("spiffe://x/ns/istio-system/sa/egress")[..],
        [Problem::WrongTrustDomain { .. }]
    ));
    assert!(matches!(
        of("spiffe://cluster.local/ns/x/sa/egress")[..],
        [Problem::WrongNamespace { .. }]
    ));
    assert!(matches!(
        of("spiffe://cluster.local/ns/istio-system/sa/x")[..],
        [Problem::WrongServiceAccount { .. }]
    ));
    assert!(matches!(
        of("spiffe://cluster.local/egress")[..],
        [Problem::OddSpiffeId { .. }]
    ));
    assert!(matches!(
        of("egress.istio-system")[..],
        [Problem::NoSpiffeId]
    ));
    assert!(matches!(
        with_names(&[ID, "spiffe://a/ns/b/sa/c"])[..],
        [Problem::OddSpiffeId { .. }]
    ));
}

#[test]
fn time_and_renewal_are_judged_at_the_time_of_the_snapshot() {
    let lives = |from: i64, until: i64| {
        problems(|p| (p.not_before, p.not_after) = (time(from).into(), time(until).into()))
    };
    assert!(matches!(
        lives(-2 * DAY, -DAY)[..],
        [Problem::Expired { .. }]
    ));
    assert!(matches!(
        lives(DAY, 2 * DAY)[..],
        [Problem::NotYetValid { .. }]
    ));
    assert!(matches!(
        lives(-8, 2)[..],
        [Problem::RenewalOverdue {
            percent_left: 20,
            ..
        }]
    ));
    assert_eq!(lives(-52, 48), []);
}

#[test]
fn usages_matter() {
    let only = |usage: For| problems(|p| p.extended_key_usages = vec![usage]);
    assert_eq!(only(For::ServerAuth), [Problem::NotForClients]);
    assert_eq!(only(For::ClientAuth), [Problem::NotForServers]);
    assert_eq!(only(For::Any), []);
    assert_eq!(problems(|p| p.extended_key_usages.clear()), []);
    assert_eq!(
        problems(|p| p.key_usages = vec![May::KeyAgreement]),
        [Problem::MayNotSign]
    );
}

#[test]
fn names_must_be_critical_without_a_subject() {
    // OCTET STRING content of a subjectAltName with one URI, not critical.
    let mut content = vec![
        0x30,
        u8::try_from(ID.len() + 2).unwrap(),
        0x86,
        u8::try_from(ID.len()).unwrap(),
    ];
    content.extend(ID.bytes());
    let found = problems(|p| {
        p.subject_alt_names.clear();
        p.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 17], content)];
    });
    assert_eq!(found, [Problem::NamesNotCritical]);
}

#[test]
fn an_unknown_critical_extension_ends_it() {
    let found = problems(|p| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        p.custom_extensions = vec![extension];
    });
    assert!(matches!(&found[..], [Problem::UnknownCritical { oid, .. }] if oid == "1.2.3.4"));
}

#[test]
fn the_path_must_reach_a_root() {
    let (ours, other) = (
        root(),
        root_of(authority_params("other", BasicConstraints::Unconstrained)),
    );
    let leaf = ours.issue(leaf_params(&[ID]));
    let against = |roots: &str| verify(&leaf.pem, roots, &workload(), now()).problems;
    assert!(
        matches!(&against(&other.pem)[..], [Problem::NoPath { reason, .. }] if reason.contains("neither"))
    );
    assert!(
        matches!(&against(&root().pem)[..], [Problem::NoPath { reason, .. }] if reason.contains("did not sign"))
    );
    assert_eq!(against(""), [Problem::NoRoots]);
    assert_eq!(
        against(&format!("{}{}", other.pem, ours.pem)),
        [Problem::SeveralRoots { count: 2 }]
    );
}

#[test]
fn intermediates_are_followed_in_any_order_and_must_be_authorities() {
    let root = root();
    let first = root.issue(authority_params("first", BasicConstraints::Unconstrained));
    let second = first.issue(authority_params("second", BasicConstraints::Unconstrained));
    let leaf = second.issue(leaf_params(&[ID]));
    let chain = format!("{}{}{}", leaf.pem, first.pem, second.pem);
    assert_eq!(verify(&chain, &root.pem, &workload(), now()).problems, []);
    let mut plain = authority_params("plain", BasicConstraints::Unconstrained);
    plain.is_ca = IsCa::ExplicitNoCa;
    plain.key_usages = vec![May::DigitalSignature];
    let plain = root.issue(plain);
    let chain = format!("{}{}", plain.issue(leaf_params(&[ID])).pem, plain.pem);
    let found = verify(&chain, &root.pem, &workload(), now()).problems;
    assert!(
        matches!(
            found[..],
            [
                Problem::NotAnAuthority { .. },
                Problem::NotAnAuthority { .. }
            ]
        ),
        "{found:?}"
    );
}

#[test]
fn a_path_can_be_too_long_or_out_of_bounds() {
    let root = root_of(authority_params("root", BasicConstraints::Constrained(0)));
    let middle = root.issue(authority_params("middle", BasicConstraints::Unconstrained));
    let chain = format!("{}{}", middle.issue(leaf_params(&[ID])).pem, middle.pem);
    let found = verify(&chain, &root.pem, &workload(), now()).problems;
    assert!(
        matches!(found[..], [Problem::PathTooLong { allowed: 0, .. }]),
        "{found:?}"
    );
    let mut params = authority_params("bounded", BasicConstraints::Unconstrained);
    let tree = vec![GeneralSubtree::DnsName("example.com".into())];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: tree,
        excluded_subtrees: vec![],
    });
    let bounded = root_of(params);
    let of = |name: &str| {
        let server = Expected::Server { host: name.into() };
        verify(
            &bounded.issue(leaf_params(&[name])).pem,
            &bounded.pem,
            &server,
            now(),
        )
        .problems
    };
    assert_eq!(of("www.example.com"), []);
    assert!(matches!(
        of("www.example.org")[..],
        [Problem::NameNotPermitted { .. }]
    ));
}

#[test]
fn a_servers_certificate_is_for_its_host() {
    let root = root();
    let of = |name: &str, host: &str| {
        let server = Expected::Server { host: host.into() };
        verify(
            &root.issue(leaf_params(&[name])).pem,
            &root.pem,
            &server,
            now(),
        )
        .problems
    };
    assert_eq!(of("edition.cnn.com", "Edition.cnn.com"), []);
    assert_eq!(of("*.cnn.com", "edition.cnn.com"), []);
    assert!(matches!(
        of("*.cnn.com", "a.b.cnn.com")[..],
        [Problem::WrongHost { .. }]
    ));
    assert!(matches!(
        of("*.cnn.com", "cnn.com")[..],
        [Problem::WrongHost { .. }]
    ));
}

#[test]
fn rubbish_is_a_problem_and_nothing_is_one_too() {
    let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let of = |chain: &str| verify(chain, &root().pem, &workload(), now()).problems;
    assert!(matches!(of(rubbish)[..], [Problem::Unparsable { .. }]));
    assert_eq!(of(""), [Problem::Missing]);
}

#[test]
fn bundles_are_compared_by_certificate() {
    let (a, b) = (root().pem, root().pem);
    assert_eq!(
        compare_roots(&format!("{a}{b}"), &format!("{b}{a}"), now()),
        (vec![], vec![])
    );
    let (ours, theirs) = compare_roots(&a, &b, now());
    assert_eq!((ours.len(), theirs.len()), (1, 1));
}

#[test]
fn a_live_gateways_certificate_is_good() {
    let gateway = crate::envoy::fixture(include_str!("../../tests/fixtures/envoy/gateway.json"));
    let id = "spiffe://cluster.local/ns/proxy-lab/sa/default"
        .parse()
        .unwrap();
    let expected = Expected::Workload {
        id,
        aliases: vec![],
    };
    let roots = gateway.roots().unwrap().all_roots();
    let identity = verify(&gateway.identity().unwrap().chain, &roots, &expected, now());
    assert_eq!(identity.problems, []);
    assert_eq!(identity.chain.len(), 2);
}

#[test]
fn every_problem_has_words() {
    let found = [
        with_names(&["spiffe://x/ns/y/sa/z"]),
        problems(|p| p.extended_key_usages = vec![For::CodeSigning]),
        verify("", "", &Expected::Client, now()).problems,
    ];
    for problem in found.iter().flatten() {
        assert!(!problem.to_string().is_empty());
        let text = serde_json::to_string(problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), *problem);
    }
}

proptest::proptest! {
    #[test]
    fn garbage_is_never_a_panic(der in proptest::collection::vec(proptest::num::u8::ANY, 0..300), text in ".{0,200}") {
        let _ = verify_der(&[der], &text, &Expected::Client, now());
    }

    #[test]
    fn a_mangled_certificate_is_never_a_panic(at in 0usize..600, with in proptest::num::u8::ANY) {
        let mut der = CertificateDer::from_pem_slice(root().pem.as_bytes()).unwrap().to_vec();
        let length = der.len();
        der[at % length] = with;
        let _ = verify_der(&[der.clone(), der], "", &workload(), now());
    }
}
