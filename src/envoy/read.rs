//! The only place here that talks to a proxy, or to istiod about one: GET over the API server's
//! port-forward, which works with distroless images too.

use super::{Part, Parts, Proxy, ProxySync, Tally};
use crate::cluster::Cluster;
use crate::error::{ApiStatus, Error};

/// Envoy's admin port in Istio's pods.
const ADMIN: u16 = 15000;

/// istiod's own port, where anything from inside the pod may ask.
const ISTIOD: u16 = 15014;

/// From so many clusters on a dump is asked for in pieces, to bound memory. Measured: a dump is 100
/// to 400 KB and 3 KB for each cluster. With 30 clusters the whole takes 20 ms and the pieces 55,
/// nearly all of it for opening connections; with 1,200 it is 150 and 180.
const MANY_CLUSTERS: usize = 1000;

/// Read what the proxy of a pod was given.
///
/// Fails with [`Error::Forbidden`] without the right to port-forward, with [`Error::NotFound`]
/// without such a pod, and with [`Error::Api`] where no admin interface answers or what it says is
/// not Envoy's JSON.
pub async fn read(cluster: &Cluster, namespace: &str, pod: &str) -> Result<Proxy, Error> {
    let pod = Pod {
        cluster,
        namespace,
        name: pod,
    };
    let mut parts = Parts::default();
    let (stats, statuses) = tokio::join!(pod.ask(Part::Stats), pod.ask(Part::Statuses));
    pod.take(&mut parts, Part::Stats, &stats?)?;
    pod.take(&mut parts, Part::Statuses, &statuses?)?;
    let rest = if parts.size() < MANY_CLUSTERS {
        &[Part::Whole][..]
    } else {
        &Part::PIECES[..]
    };
    for part in rest {
        let answer = pod.ask(*part).await?;
        pod.take(&mut parts, *part, &answer)?;
    }
    Ok(parts.proxy())
}

/// Read only the counters of the proxy of a pod. The errors are those of [`read()`].
pub async fn read_tally(cluster: &Cluster, namespace: &str, pod: &str) -> Result<Tally, Error> {
    let pod = Pod {
        cluster,
        namespace,
        name: pod,
    };
    let answer = pod.ask(Part::Statuses).await?;
    Tally::parse(&answer).map_err(|reason| pod.unreadable(Part::Statuses, reason))
}

/// Read what one istiod knows of the proxies that are connected to it. With several replicas, ask
/// each.
pub async fn read_sync(
    cluster: &Cluster,
    namespace: &str,
    istiod: &str,
) -> Result<Vec<ProxySync>, Error> {
    let answer = cluster
        .http_get(namespace, istiod, ISTIOD, "/debug/syncz")
        .await?;
    let what = || format!("istiod's /debug/syncz in {namespace}/{istiod}");
    ProxySync::parse(&answer).map_err(|reason| Error::Api {
        doing: "read",
        what: what(),
        status: ApiStatus::default(),
        reason,
    })
}

/// Read one istiod's version: `1.31.0`, less what the build added.
pub async fn read_version(
    cluster: &Cluster,
    namespace: &str,
    istiod: &str,
) -> Result<String, Error> {
    let answer = cluster
        .http_get(namespace, istiod, ISTIOD, "/version")
        .await?;
    let text = String::from_utf8_lossy(&answer);
    Ok(text
        .trim()
        .split('-')
        .next()
        .unwrap_or_default()
        .chars()
        .take(40)
        .collect())
}

struct Pod<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    name: &'a str,
}

impl Pod<'_> {
    async fn ask(&self, part: Part) -> Result<Vec<u8>, Error> {
        self.cluster
            .http_get(self.namespace, self.name, ADMIN, part.path())
            .await
    }

    fn take(&self, parts: &mut Parts, part: Part, answer: &[u8]) -> Result<(), Error> {
        parts
            .take(part, answer)
            .map_err(|reason| self.unreadable(part, reason))
    }

    fn unreadable(&self, part: Part, reason: String) -> Error {
        let what = format!(
            "Envoy's {} in {}/{}",
            part.path(),
            self.namespace,
            self.name
        );
        Error::Api {
            doing: "read",
            what,
            status: ApiStatus::default(),
            reason,
        }
    }
}
