//! Looking at some paths: what each proxy on them was given, and what connections do, as far as was
//! asked for.

use crate::checks::Layer;
use crate::checks::engine::Choice;
use crate::cluster::Cluster;
use crate::console::Io;
use crate::deadline::Deadline;
use crate::gather;
use crate::model::EgressPath;
use crate::snapshot::Snapshot;

/// Put into the snapshot what the layers need to know about the paths.
pub(super) async fn look(
    (cluster, io): (&Cluster, &Io),
    snapshot: &mut Snapshot,
    paths: &[EgressPath],
    (choice, bypass, deadline): (&Choice, bool, Deadline),
) {
    let observed = choice.layers.contains(&Layer::Observed);
    if !observed && !choice.layers.contains(&Layer::Programmed) {
        return;
    }
    let progress = io.progress("reading the proxies");
    snapshot.proxies = gather::proxies(cluster, snapshot, paths, deadline).await;
    gather::planes(cluster, snapshot, paths, deadline).await;
    if observed {
        progress.update("trying connections");
        snapshot.observations = gather::observe(cluster, snapshot, paths, deadline).await;
        if bypass {
            progress.update("trying to bypass the gateway");
            let tried = gather::round(cluster, snapshot, paths, deadline).await;
            snapshot.observations.extend(tried);
        }
    }
}

/// Whether a snapshot has what a layer is about.
pub(super) fn recorded(snapshot: &Snapshot, layer: Layer) -> bool {
    match layer {
        Layer::Intended => true,
        Layer::Programmed => !snapshot.proxies.is_empty(),
        Layer::Observed => !snapshot.observations.is_empty(),
    }
}
