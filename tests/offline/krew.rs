//! The krew manifest, rendered as the release does it, stands the rules of krew's own validation
//! (internal/index/validation/validate.go, pkg/index/types.go) and of its index
//! (cmd/validate-krew-manifest).

use serde::Deserialize;
use std::collections::BTreeMap;

const TEMPLATE: &str = include_str!("../../krew-manifest/istio-egress.yaml");
const ADD: &str = "{{addURIAndSha \"";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Plugin {
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
    version: String,
    homepage: String,
    short_description: String,
    description: String,
    caveats: String,
    platforms: Vec<Platform>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Platform {
    uri: String,
    sha256: String,
    bin: String,
    selector: Labels,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Labels {
    match_labels: BTreeMap<String, String>,
}

/// What krew-release-bot makes of the template; it is indented where the function stands.
fn render(tag: &str) -> String {
    let lines = TEMPLATE.replace("REPOSITORY", "owner/name");
    let lines = lines
        .lines()
        .map(|line| match line.trim_start().strip_prefix(ADD) {
            Some(rest) => {
                let uri = rest
                    .split_once('"')
                    .expect("a quoted address")
                    .0
                    .replace("{{ .TagName }}", tag);
                format!("      uri: {uri}\n      sha256: {}", "0a".repeat(32))
            }
            None => line.replace("{{ .TagName }}", tag),
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_rendered_manifest_is_what_krew_takes() {
    let text = render(concat!("v", env!("CARGO_PKG_VERSION")));
    assert!(!text.contains("{{"), "{text}");
    let plugin: Plugin =
        serde_saphyr::from_str(&text).expect("the manifest has krew's fields and no other");
    assert_eq!(
        plugin.api_version,
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(
        (plugin.kind.as_str(), plugin.metadata.name.as_str()),
        ("Plugin", "istio-egress")
    );
    assert!(
        plugin
            .metadata
            .name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    );
    assert!(is_version(&plugin.spec.version), "{}", plugin.spec.version);
    assert!(plugin.spec.homepage.starts_with("https://"));
    let short = &plugin.spec.short_description;
    assert!(
        !short.contains(['\n', '\r']) && (1..=50).contains(&short.len()) && !short.ends_with('.'),
        "{short}"
    );
    for text in [&plugin.spec.description, &plugin.spec.caveats] {
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
    plugin.spec.platforms.iter().for_each(check_platform);
    let pairs: Vec<String> = plugin.spec.platforms.iter().map(pair).collect();
    let six = [
        "linux/amd64",
        "linux/arm64",
        "darwin/amd64",
        "darwin/arm64",
        "windows/amd64",
        "windows/arm64",
    ];
    assert_eq!(pairs, six, "six platforms, each once");
}

fn check_platform(platform: &Platform) {
    let Platform {
        uri,
        sha256,
        bin,
        selector,
    } = platform;
    assert!(
        uri.starts_with("https://") && ["gz", "zip"].contains(&ending(uri)),
        "{uri}"
    );
    assert!(
        sha256.len() == 64
            && sha256
                .chars()
                .all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)),
        "{sha256}"
    );
    assert!(!bin.is_empty() && !bin.contains(".."), "{bin}");
    assert!(
        selector
            .match_labels
            .keys()
            .all(|k| k == "os" || k == "arch"),
        "{selector:?}"
    );
    let windows = selector.match_labels["os"] == "windows";
    assert_eq!(
        (ending(bin) == "exe", ending(uri) == "zip"),
        (windows, windows),
        "{uri}"
    );
    let name = pair(platform).replace('/', "_");
    assert!(
        uri.contains(&format!("kubectl-egress_{name}.")),
        "{uri} is not of {name}"
    );
}

fn pair(platform: &Platform) -> String {
    let labels = &platform.selector.match_labels;
    format!("{}/{}", labels["os"], labels["arch"])
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// A semantic version with a leading v.
fn is_version(text: &str) -> bool {
    let Some(numbers) = text.strip_prefix('v') else {
        return false;
    };
    let core = numbers.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let number = |p: &&str| p.parse::<u32>().is_ok() && (p.len() == 1 || !p.starts_with('0'));
    parts.len() == 3 && parts.iter().all(number)
}

#[test]
fn versions_are_semantic() {
    assert!(
        is_version("v1.20.3-rc.1")
            && !is_version("1.2.3")
            && !is_version("v1.2")
            && !is_version("v01.2.3")
    );
}
