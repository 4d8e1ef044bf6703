//! A client under load sees no failed request while its host, and a bystander on the same gateway, are wired and unwired.

use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::done;

/// New connections all the time, to the host over both ports and to the bystander; it prints what is not as expected,
/// and how many there were.
const LOAD: &str = r#"
for w in 1 2 3 4; do (
  end=$(( $(date +%s) + $1 )); n=0
  while [ $(date +%s) -lt $end ]; do
    for u in https://uninterrupted.example.com/ http://uninterrupted.example.com/ https://www.wikipedia.org/; do
      r=$(curl -sk -m 5 -o /dev/null -w "%{http_code} %{errormsg}" $u); n=$((n+1))
      case $r in 200*|301*) ;; *) echo "FAILED $u $r";; esac
    done
  done
  echo "requests $n"
) & done; wait
"#;

const ROUNDS: u32 = 5;

#[test]
fn setup_and_cleanup_fail_no_request() {
    let _alone = CLUSTER.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    MESH.apply(include_str!("other_host.yaml"));
    let team = Team::new("uninterrupted");
    let load = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let pod = ["-n", &team.namespace, "exec", &team.pod, "-c", "client", "--"];
            MESH.kubectl(&[&pod[..], &["sh", "-c", LOAD, "load", "20"]].concat())
        });
        std::thread::sleep(std::time::Duration::from_secs(1));
        for _ in 0..ROUNDS {
            let wire = ["uninterrupted.example.com:80", "uninterrupted.example.com:443", "-n", "uninterrupted"];
            done(&[&["setup"][..], &wire, &["--gateway", FOUND, "-y"]].concat());
            done(&["cleanup", "uninterrupted.example.com", "-n", "uninterrupted", "-y"]);
        }
        load.join().expect("the load ends")
    });
    let requests: u32 = load.lines().filter_map(|l| l.strip_prefix("requests ")?.parse::<u32>().ok()).sum();
    assert!(!load.contains("FAILED"), "{load}");
    // Some for each step of each round, also on a machine that has much else to do.
    assert!(requests >= 6 * 2 * ROUNDS, "only {requests} requests in 20 s");
}
