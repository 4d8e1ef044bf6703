//! Who does it, when and by which command: for the inventory.

use crate::cluster::Cluster;
use crate::plan::Stamp;

/// The stamp of this run.
pub(super) async fn stamp(cluster: &Cluster) -> Stamp {
    let words: Vec<String> = std::env::args().skip(1).collect();
    Stamp {
        who: cluster.user().await,
        when: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        command: format!("kubectl egress {}", words.join(" ")),
    }
}
