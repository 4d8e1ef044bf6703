//! A host that another team has wired: joined where their objects are for all, refused by name
//! where they are not.

use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::{done, egress};
use std::time::{Duration, Instant};

/// As somebody would write it by hand.
fn theirs(export: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: site, \
         namespace: join-theirs}}\nspec:\n  \
         hosts: [join.example.com]\n  ports: [{{number: 443, name: tls, protocol: \
         TLS}}]\n  resolution: DNS\n---\n\
         apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: site, namespace: \
         join-theirs}}\nspec:\n  \
         selector: {{istio: egressgateway}}\n  servers:\n  - {{port: {{number: 443, name: tls, \
         protocol: TLS}}, hosts: [join.example.com], \
         tls: {{mode: PASSTHROUGH}}}}\n---\n\
         apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: site, \
         namespace: join-theirs}}\nspec:\n  \
         hosts: [join.example.com]\n  gateways: [mesh, site]\n  exportTo: [{export}]\n  tls:\n  \
         - match: [{{gateways: [mesh], port: 443, sniHosts: [join.example.com]}}]\n    route: \
         [{{destination: {{host: \
         istio-egressgateway.istio-system.svc.cluster.local, port: {{number: 443}}}}}}]\n  \
         - match: [{{gateways: [site], port: 443, sniHosts: [join.example.com]}}]\n    route: \
         [{{destination: {{host: \
         join.example.com, port: {{number: 443}}}}}}]\n"
    )
}

#[test]
fn what_another_team_wired_for_all_is_joined_and_proven() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let (_owners, team) = (Team::new("join-theirs"), Team::new("join-ours"));
    MESH.apply(&theirs("'*'"));
    wait_for_the_way(&team);
    let run = done(&[
        "setup",
        "join.example.com",
        "-n",
        "join-ours",
        "--gateway",
        FOUND,
        "-y",
    ]);
    assert!(
        run.stdout
            .contains("joined    join.example.com:443 from join-ours: HTTP/2 200"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr
            .contains("by VirtualService join-theirs/site, Gateway join-theirs/site"),
        "{}",
        run.stderr
    );
    let own = MESH.kubectl(&[
        "get",
        "se,gw,vs,dr",
        "-A",
        "-l",
        "app.kubernetes.io/managed-by=kubectl-egress",
        "-o",
        "name",
    ]);
    assert!(
        !own.contains("join-example-com"),
        "nothing was written: {own}"
    );

    MESH.apply(&theirs("'.'"));
    let run = egress(&[
        "setup",
        "join.example.com",
        "-n",
        "join-ours",
        "--gateway",
        FOUND,
        "--hop",
        "plain",
        "-y",
    ]);
    assert_eq!(run.code, 1, "{}\n{}", run.stdout, run.stderr);
    assert!(
        run.stderr
            .contains("Gateway join-theirs/site serves it on port 443"),
        "{}",
        run.stderr
    );
}

fn wait_for_the_way(team: &Team) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let (answer, seen) = team.seen_from("https://join.example.com");
        if answer == "200 2"
            && !seen.is_empty()
            && seen.iter().all(|a| MESH.addresses(FOUND).contains(a))
        {
            return;
        }
        assert!(
            Instant::now() < end,
            "their way does not work: {answer} {seen:?}"
        );
        std::thread::sleep(Duration::from_millis(300));
    }
}
