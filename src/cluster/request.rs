//! Reading: one object, a list in pages, or raw bytes. A busy or restarting API server is asked
//! again, for a short while; anything else is an answer.

use super::Cluster;
use super::connect::{cause, sentence};
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use http::{Request, StatusCode};
use serde_json::Value;
use std::time::Duration;

const PAGE: usize = 500;
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(150);

/// What a request is for, in words for its error.
#[derive(Clone, Copy)]
pub(super) struct Purpose<'a> {
    pub(super) verb: &'static str,
    pub(super) what: &'a str,
}

impl Cluster {
    /// One object, or nothing where there is none.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, Error> {
        let request = Request::get(object.path())
            .body(Vec::new())
            .map_err(|e| invalid("get", object, &e))?;
        let what = object.to_string();
        match self
            .send(
                request,
                Purpose {
                    verb: "get",
                    what: &what,
                },
            )
            .await
        {
            Ok(value) => Ok(Some(value)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// All objects of a kind, in one namespace or in all. A kind that the server does not know is
    /// an empty list.
    pub async fn list(&self, kind: Kind, namespace: Option<&str>) -> Result<Vec<Value>, Error> {
        self.list_where(kind, namespace, "").await
    }

    /// The same, with a label selector.
    pub async fn list_where(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<Vec<Value>, Error> {
        let what = match namespace {
            Some(namespace) if kind.namespaced() => {
                format!("{} in namespace {namespace}", kind.plural())
            }
            _ => format!("{} in all namespaces", kind.plural()),
        };
        self.pages(&kind.list_path(namespace), &what, labels).await
    }

    /// All pages of a list. A list that the server does not know is empty.
    pub(super) async fn pages(
        &self,
        list: &str,
        what: &str,
        labels: &str,
    ) -> Result<Vec<Value>, Error> {
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let path = format!(
                "{list}?limit={PAGE}&labelSelector={}&continue={next}",
                labels
                    .replace('=', "%3D")
                    .replace(',', "%2C")
                    .replace(' ', "")
            );
            let request = Request::get(path)
                .body(Vec::new())
                .map_err(|e| invalid("list", &what, &e))?;
            let mut page = match self.send(request, Purpose { verb: "list", what }).await {
                Err(Error::NotFound { .. }) => return Ok(items),
                other => other?,
            };
            if let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str) {
                Some(token) if !token.is_empty() => token.clone_into(&mut next),
                _ => return Ok(items),
            }
        }
    }

    /// The server's version, which is also the first sign of life.
    pub async fn server_version(&self) -> Result<String, Error> {
        let request = Request::get("/version")
            .body(Vec::new())
            .map_err(|e| invalid("get", &"version", &e))?;
        let version = self
            .send(
                request,
                Purpose {
                    verb: "get",
                    what: "the server's version",
                },
            )
            .await?;
        Ok(version
            .get("gitVersion")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned())
    }

    /// The last lines of a container's log.
    pub async fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        lines: u32,
    ) -> Result<String, Error> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&tailLines={lines}"
        );
        let what = format!("the log of {namespace}/{pod}");
        let request = Request::get(path)
            .body(Vec::new())
            .map_err(|e| invalid("get", &what, &e))?;
        let text =
            tokio::time::timeout(self.request_timeout, self.client.request_text(request)).await;
        let text = text.map_err(|_| self.slow(&what))?;
        text.map_err(|e| {
            self.explain(
                &e,
                Purpose {
                    verb: "get",
                    what: &what,
                },
            )
        })
    }

    /// Send a request and read JSON, with the deadline and the tries that all requests have.
    pub(super) async fn send(
        &self,
        request: Request<Vec<u8>>,
        purpose: Purpose<'_>,
    ) -> Result<Value, Error> {
        let (parts, body) = request.into_parts();
        let mut pause = PAUSE;
        for attempt in 1.. {
            let request = Request::from_parts(parts.clone(), body.clone());
            let began = std::time::Instant::now();
            let sent =
                tokio::time::timeout(self.request_timeout, self.client.request::<Value>(request))
                    .await;
            let good = matches!(sent, Ok(Ok(_)));
            tracing::debug!(method = %parts.method, uri = %parts.uri, good, took = ?began.elapsed());
            match sent {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) if attempt < TRIES && worth_another_try(&error) => {
                    tokio::time::sleep(pause).await;
                    pause *= 3;
                }
                Ok(Err(error)) => return Err(self.explain(&error, purpose)),
                Err(_) => return Err(self.slow(purpose.what)),
            }
        }
        Err(self.slow(purpose.what))
    }

    pub(super) fn slow(&self, what: &str) -> Error {
        Error::Unreachable {
            server: self.server.clone(),
            reason: format!(
                "no answer about {what} within {}s (--request-timeout)",
                self.request_timeout.as_secs()
            ),
        }
    }

    /// Our error for kube's.
    pub(super) fn explain(&self, error: &kube::Error, purpose: Purpose<'_>) -> Error {
        let what = purpose.what.to_owned();
        let unreachable = |reason| Error::Unreachable {
            server: self.server.clone(),
            reason,
        };
        let status = match error {
            kube::Error::Api(status) => status,
            kube::Error::SerdeError(_) => {
                return unreachable("its answer is not a Kubernetes API server's".into());
            }
            kube::Error::Auth(_) => return Error::Kubeconfig(sentence(error)),
            other => return unreachable(cause(other)),
        };
        let reason = if status.message.is_empty() {
            status.reason.clone()
        } else {
            status.message.clone()
        };
        match StatusCode::from_u16(status.code) {
            Ok(StatusCode::UNAUTHORIZED) => Error::Unauthorized {
                server: self.server.clone(),
            },
            Ok(StatusCode::FORBIDDEN) => Error::Forbidden {
                verb: purpose.verb,
                what,
                reason,
            },
            Ok(StatusCode::NOT_FOUND) => Error::NotFound {
                what,
                hint: String::new(),
            },
            _ => Error::Api {
                doing: purpose.verb,
                what,
                reason,
            },
        }
    }
}

/// Only what passes by itself: a server that is busy, or one that is being replaced.
fn worth_another_try(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => matches!(status.code, 429 | 502 | 503 | 504),
        kube::Error::HyperError(_) | kube::Error::Service(_) => {
            sentence(error).contains("connection closed")
        }
        _ => false,
    }
}

pub(super) fn invalid(
    doing: &'static str,
    what: &dyn std::fmt::Display,
    error: &dyn std::error::Error,
) -> Error {
    Error::Api {
        doing,
        what: what.to_string(),
        reason: error.to_string(),
    }
}
