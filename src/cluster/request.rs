//! Reading: one object, a list in pages, or raw bytes. A busy or restarting API server is asked
//! again, for a short while; anything else is an answer.

use super::Cluster;
use super::answer::{self, Failure, Purpose, invalid, was_cut};
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use form_urlencoded::Serializer;
use http::{Method, Request};
use hyper::body::Bytes;
use serde_json::Value;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

const PAGE: usize = 500;

/// A list of more pages than this (five million objects) does not end.
const PAGES: usize = 10_000;

/// A list that changes faster than it can be read is begun so often.
const BEGINNINGS: usize = 4;

/// A server that does not say when to come back is asked so often.
const TRIES: u32 = 4;

/// One that says so is asked as often as client-go does.
const INVITED_TRIES: u32 = 10;

const PAUSE: Duration = Duration::from_millis(150);

impl Cluster {
    /// One object, or nothing where there is none.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, Error> {
        let Some(version) = self.version_to_read(object.kind).await? else {
            return Ok(None);
        };
        let request = Request::get(object.path_at(version))
            .body(Vec::new())
            .map_err(|e| invalid("get", object, &e))?;
        let what = object.to_string();
        let purpose = Purpose {
            verb: "get",
            what: &what,
        };
        match self.send(request, purpose).await {
            Ok(value) => Ok(Some(value)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// All objects of a kind, in one namespace or in all. Of a kind that the server does not know
    /// there are none; whether it knows it, `version_of` says.
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
        let Some(version) = self.version_to_read(kind).await? else {
            return Ok(Vec::new());
        };
        let list = kind.list_path_at(version, namespace);
        self.pages(&list, &what, labels).await
    }

    /// The version to read a kind at; none where the server does not know the kind.
    async fn version_to_read(&self, kind: Kind) -> Result<Option<&'static str>, Error> {
        match self.version_of(kind).await? {
            Ok(version) => Ok(Some(version)),
            Err(absence) if absence.is_empty() => Ok(None),
            Err(absence) => Err(Error::NotServed { kind, absence }),
        }
    }

    /// All pages of a list. A list that the server does not know is empty; one whose
    /// continuation has expired (410) is read again from its beginning.
    async fn pages(&self, list: &str, what: &str, labels: &str) -> Result<Vec<Value>, Error> {
        let mut beginnings = 1;
        loop {
            match self.pages_once(list, what, labels).await {
                Err(error) if error.is_expired() && beginnings < BEGINNINGS => beginnings += 1,
                Err(Error::NotFound { .. }) => return Ok(Vec::new()),
                read => return read,
            }
        }
    }

    async fn pages_once(&self, list: &str, what: &str, labels: &str) -> Result<Vec<Value>, Error> {
        let mut items = Vec::new();
        let mut next = String::new();
        for _ in 0..PAGES {
            let request = Request::get(page_path(list, labels, &next))
                .body(Vec::new())
                .map_err(|e| invalid("list", &what, &e))?;
            let mut page = self.send(request, Purpose { verb: "list", what }).await?;
            if let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str) {
                Some(token) if token == next && !next.is_empty() => break,
                Some(token) if !token.is_empty() => token.clone_into(&mut next),
                _ => return Ok(items),
            }
        }
        Err(self.unreachable(format!("its list of {what} does not end"), None))
    }

    /// The server's version, which is also the first sign of life.
    pub async fn server_version(&self) -> Result<String, Error> {
        let request = Request::get("/version")
            .body(Vec::new())
            .map_err(|e| invalid("get", &"version", &e))?;
        let purpose = Purpose {
            verb: "get",
            what: "the server's version",
        };
        let version = self.send(request, purpose).await?;
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
        let object = ObjectRef::new(Kind::Pod, namespace, pod);
        let query = Serializer::new(String::new())
            .append_pair("container", container)
            .append_pair("tailLines", &lines.to_string())
            .finish();
        let what = format!("the log of {namespace}/{pod}");
        let request = Request::get(format!(
            "{}/log?{query}",
            object.path_at(object.kind.version())
        ))
        .body(Vec::new())
        .map_err(|e| invalid("get", &what, &e))?;
        let purpose = Purpose {
            verb: "get",
            what: &what,
        };
        let text = self.fetch(request, purpose).await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Send a request and read JSON, with the deadline and the tries that all requests have.
    pub(super) async fn send(
        &self,
        request: Request<Vec<u8>>,
        purpose: Purpose<'_>,
    ) -> Result<Value, Error> {
        let bytes = self.fetch(request, purpose).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let reason = "its answer is not that of a Kubernetes API server".to_owned();
            self.unreachable(reason, Some(Box::new(error)))
        })
    }

    /// Send a request and read bytes.
    pub(super) async fn fetch(
        &self,
        request: Request<Vec<u8>>,
        purpose: Purpose<'_>,
    ) -> Result<Bytes, Error> {
        let (parts, body) = request.into_parts();
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let request = Request::from_parts(parts.clone(), body.clone());
            let began = Instant::now();
            let sent = tokio::time::timeout(self.patience(), self.try_once(request)).await;
            let good = matches!(sent, Ok(Ok(_)));
            tracing::debug!(method = %parts.method, uri = %parts.uri, good, took = ?began.elapsed());
            let failure = match sent {
                Ok(Ok(bytes)) => return Ok(bytes),
                Ok(Err(failure)) => failure,
                Err(_) => return Err(self.slow(purpose.what)),
            };
            let Some(wait) = next_try(&failure, &parts, attempt, pause) else {
                return Err(self.explain_failure(failure, purpose));
            };
            if self.time_left().is_some_and(|left| left <= wait) {
                return Err(self.explain_failure(failure, purpose));
            }
            tokio::time::sleep(wait).await;
            pause *= 3;
            attempt += 1;
        }
    }

    async fn try_once(&self, request: Request<Vec<u8>>) -> Result<Bytes, Failure> {
        let response = self
            .client
            .send(request.map(kube::client::Body::from))
            .await;
        let answer = answer::read(response.map_err(Failure::Lost)?).await;
        if matches!(answer, Ok(_) | Err(Failure::Refused(_))) {
            self.answered.store(true, Relaxed);
        }
        answer
    }

    /// How long one request may take.
    pub(super) fn patience(&self) -> Duration {
        self.time_left()
            .map_or(self.request_timeout, |left| left.min(self.request_timeout))
    }

    /// How long the command has, where it has a `--timeout`.
    fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.left())
    }

    /// A request that took too long by itself, or for the command. A server that has not
    /// answered anything yet cannot be reached.
    pub(super) fn slow(&self, what: &str) -> Error {
        let (limit, flag) = match self.deadline {
            Some(deadline) if deadline.passed() => (deadline.total(), "--timeout"),
            _ => (self.request_timeout, "--request-timeout"),
        };
        if flag == "--timeout" && self.answered.load(Relaxed) {
            return Error::Deadline {
                what: format!("an answer about {what}"),
                after: limit,
            };
        }
        let within = limit.as_secs();
        self.unreachable(
            format!("no answer about {what} within {within}s ({flag})"),
            None,
        )
    }
}

/// A page of a list, by its path and query.
fn page_path(list: &str, labels: &str, next: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("limit", &PAGE.to_string());
    if !labels.is_empty() {
        query.append_pair("labelSelector", labels);
    }
    if !next.is_empty() {
        query.append_pair("continue", next);
    }
    format!("{list}?{}", query.finish())
}

/// How long to wait before the next try. Only what passes by itself is tried again: a server that
/// is busy or being replaced, or a connection that was cut under a request that may be sent twice.
fn next_try(
    failure: &Failure,
    request: &http::request::Parts,
    attempt: u32,
    pause: Duration,
) -> Option<Duration> {
    match failure {
        Failure::Refused(refused) => match (refused.status.code, refused.after) {
            (429 | 500..=599, Some(after)) if attempt < INVITED_TRIES => Some(after),
            (429 | 502..=504, None) if attempt < TRIES => Some(pause),
            _ => None,
        },
        Failure::Lost(error) if attempt < TRIES && repeatable(request) && was_cut(error) => {
            Some(pause)
        }
        _ => None,
    }
}

/// Whether a request that the server may have carried out already can be sent again: reads,
/// applies, and deletions of one object by its UID.
fn repeatable(request: &http::request::Parts) -> bool {
    let apply = request
        .headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind == super::write::APPLY);
    request.method == Method::GET || request.method == Method::DELETE || apply
}

#[cfg(test)]
mod tests {
    use super::super::answer::Refused;
    use super::*;

    #[test]
    fn selectors_and_tokens_are_encoded_whole() {
        assert_eq!(
            page_path("/api/v1/pods", "a in (b, c),!d=é", "x&limit=1"),
            "/api/v1/pods?limit=500&labelSelector=a+in+%28b%2C+c%29%2C%21d%3D%C3%A9&continue=x%26limit%3D1"
        );
        assert_eq!(page_path("/version", "", ""), "/version?limit=500");
    }

    #[test]
    fn what_a_server_may_have_done_is_not_sent_twice() {
        let parts = |method: Method, kind: &str| {
            let request = Request::builder()
                .method(method)
                .header("content-type", kind);
            request.body(()).unwrap().into_parts().0
        };
        assert!(repeatable(&parts(Method::GET, "")));
        assert!(repeatable(&parts(
            Method::PATCH,
            "application/apply-patch+yaml"
        )));
        assert!(!repeatable(&parts(Method::POST, "application/json")));
        assert!(!repeatable(&parts(
            Method::PATCH,
            "application/merge-patch+json"
        )));
    }

    #[test]
    fn a_busy_server_says_itself_when_to_come_back() {
        let refused = |code, after| {
            let status = kube::core::Status::failure("", "").with_code(code);
            Failure::Refused(Box::new(Refused { status, after }))
        };
        let get = Request::get("/").body(()).unwrap().into_parts().0;
        let second = Some(Duration::from_secs(1));
        assert_eq!(next_try(&refused(429, second), &get, 9, PAUSE), second);
        assert_eq!(next_try(&refused(429, second), &get, 10, PAUSE), None);
        assert_eq!(next_try(&refused(503, None), &get, 1, PAUSE), Some(PAUSE));
        assert_eq!(next_try(&refused(503, None), &get, 4, PAUSE), None);
        assert_eq!(next_try(&refused(500, None), &get, 1, PAUSE), None);
        assert_eq!(next_try(&refused(409, None), &get, 1, PAUSE), None);
    }
}
