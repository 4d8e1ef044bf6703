//! A byte pipe into a pod over the API server's port-forward, with no local socket, and plain HTTP
//! over it: Envoy's admin interface (15000) is reached this way, also where the image is
//! distroless.

use super::Cluster;
use super::answer::{Purpose, sentence};
use crate::error::{ApiStatus, Error};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Portforwarder};
use std::future::Future;
use std::pin::Pin;
use tokio::io::DuplexStream;

/// An answer longer than this is not Envoy's, or not one that we could hold.
const LONGEST_ANSWER: usize = 512 << 20;

/// An open pipe to one port of one pod. Dropping it closes it.
pub struct Tunnel {
    /// The bytes.
    pub stream: DuplexStream,
    forwarder: Portforwarder,
    error: Option<Pin<Box<dyn Future<Output = Option<String>> + Send>>>,
}

impl Tunnel {
    /// Why the far side closed, where the kubelet said so: a refused connection looks like an end
    /// of file otherwise.
    pub async fn failure(&mut self) -> Option<String> {
        let error = self.error.take()?;
        tokio::time::timeout(std::time::Duration::from_millis(300), error)
            .await
            .ok()
            .flatten()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

impl Cluster {
    /// Connect to a port of a pod.
    pub async fn tunnel(&self, namespace: &str, pod: &str, port: u16) -> Result<Tunnel, Error> {
        let what = format!("port {port} of pod {namespace}/{pod}");
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let forwarder = tokio::time::timeout(self.patience(), pods.portforward(pod, &[port])).await;
        let forwarder = forwarder.map_err(|_| self.slow(&what))?;
        let purpose = Purpose {
            verb: "reach",
            what: &what,
        };
        let mut forwarder = forwarder.map_err(|e| self.explain(e, purpose))?;
        let stream = forwarder
            .take_stream(port)
            .ok_or_else(|| self.slow(&what))?;
        let error = forwarder.take_error(port).map(|e| Box::pin(e) as _);
        Ok(Tunnel {
            stream,
            forwarder,
            error,
        })
    }

    /// GET from an HTTP port inside a pod.
    pub async fn http_get(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
        path: &str,
    ) -> Result<Vec<u8>, Error> {
        self.http(namespace, pod, port, ("GET", path)).await
    }

    async fn http(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
        call: (&str, &str),
    ) -> Result<Vec<u8>, Error> {
        let what = format!("{} on port {port} of pod {namespace}/{pod}", call.1);
        let failed = |reason: String| Error::Api {
            doing: "read",
            what: what.clone(),
            status: ApiStatus::default(),
            reason,
        };
        let mut tunnel = self.tunnel(namespace, pod, port).await?;
        let exchange = exchange(&mut tunnel.stream, call);
        match tokio::time::timeout(self.patience(), exchange).await {
            Err(_) => Err(self.slow(&what)),
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(reason)) => Err(failed(tunnel.failure().await.unwrap_or(reason))),
        }
    }
}

async fn exchange(
    stream: &mut DuplexStream,
    (method, path): (&str, &str),
) -> Result<Vec<u8>, String> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| sentence(&e))?;
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("connection", "close")
        .body(Empty::<Bytes>::new())
        .map_err(|e| sentence(&e))?;
    let answer = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|e| sentence(&e))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LONGEST_ANSWER)
            .collect()
            .await
            .map_err(|e| e.to_string())?;
        if status.is_success() {
            Ok(body.to_bytes().to_vec())
        } else {
            Err(format!("answered {status}"))
        }
    };
    tokio::pin!(connection, answer);
    tokio::select! {
        answered = &mut answer => answered,
        closed = &mut connection => match closed {
            Ok(()) => answer.await,
            Err(error) => Err(sentence(&error)),
        },
    }
}
