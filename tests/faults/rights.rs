//! Who may see one namespace alone: doctor looks at what is left, claims nothing of the rest, and
//! says which right it lacks.

use crate::mesh::MESH;
use crate::site::Site;
use std::process::Output;

fn doctor(site: &Site, more: &[&str]) -> (Option<i32>, String) {
    let from = format!("{}/deploy/client", site.namespace());
    let asked = [
        "doctor",
        "--host",
        &site.host,
        "--port",
        "80",
        "--from",
        &from,
        "--as",
        "f-rights-dev",
    ];
    let Output {
        status,
        stdout,
        stderr,
    } = MESH.egress(&[&asked, more].concat());
    (
        status.code(),
        format!(
            "{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        ),
    )
}

#[test]
fn a_developer_with_one_namespace_gets_what_that_shows() {
    let site = Site::new("f-rights");
    let user = "--user=f-rights-dev";
    let (code, said) = doctor(&site, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("not allowed to list namespaces in all namespaces"),
        "{said}"
    );

    site.kubectl(&["create", "rolebinding", "view", "--clusterrole=view", user]);
    let verbs = [
        "--verb=get",
        "--verb=create",
        "--resource=pods/exec,pods/portforward",
    ];
    site.kubectl(&[&["create", "role", "enter"], &verbs[..]].concat());
    site.kubectl(&["create", "rolebinding", "enter", "--role=enter", user]);
    let (code, said) = doctor(&site, &[]);
    assert_eq!(code, Some(3), "{said}");
    for words in [
        "unproven",
        "kind: ClusterRole",
        "only in f-rights, as far as that is allowed",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(
        !said.contains("error EG") && !said.contains("warning EG"),
        "nothing is claimed: {said}"
    );
    let (_, report) = doctor(&site, &["-o", "json", "--only", "EG503"]);
    assert!(
        report.contains("\"status\": \"pass\""),
        "the call itself was made: {report}"
    );
}
