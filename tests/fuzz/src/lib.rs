//! What the targets share: everything that doctor does with what it has read, from the choice of
//! paths to each form of the report. Nothing of it may panic or hang, whatever was read.

use kubectl_egress::checks::Layer;
use kubectl_egress::checks::engine::{Choice, examine, follow};
use kubectl_egress::checks::fold::{Looked, fold};
use kubectl_egress::checks::registry::CHECKS;
use kubectl_egress::checks::suppress::suppress;
use kubectl_egress::model::target::Client;
use kubectl_egress::model::{World, paths};
use kubectl_egress::report::{Format, Material, assemble};
use kubectl_egress::snapshot::Snapshot;

const FORMATS: [Format; 8] = [
    Format::Text,
    Format::Wide,
    Format::Json,
    Format::Yaml,
    Format::Name,
    Format::Sarif,
    Format::Junit,
    Format::Html,
];

/// At most so many paths: more are more of the same, and slow.
const PATHS: usize = 12;

/// Judge a snapshot: the paths that its objects route, and those to some hosts,
/// `HOST[:PORT][=PROTOCOL]` each.
pub fn judge(snapshot: &Snapshot, hosts: &[&str]) {
    let world = World::new(snapshot);
    let named = snapshot.objects.namespaces.iter().map(|n| n.name().to_owned());
    let clients: Vec<Client> = named.chain(["default".into()]).map(Client::namespace).collect();
    let targets = hosts.iter().filter_map(|host| host.parse().ok());
    let known: Vec<_> = targets.map(|target| ("default".to_owned(), target)).collect();
    let mut paths = paths::wired(&world, &clients, &known);
    paths.truncate(PATHS);
    let choice =
        Choice { layers: [Layer::Intended, Layer::Programmed, Layer::Observed].into(), ..Choice::default() };
    let cases = follow(&world, paths, true);
    let checks = choice.of(CHECKS);
    let mut examined = examine(&world, &cases, &checks);
    let suppressed = suppress(snapshot, &mut examined, &[], true);
    examined.findings = fold(&Looked { snapshot, cases: &cases, checks: &checks }, examined.findings);
    let material = Material { snapshot, cases: &cases, layers: &choice.layers, suppressed };
    let report = assemble(&material, examined);
    for format in FORMATS {
        let _ = format.print(&report);
    }
}
