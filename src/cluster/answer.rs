//! What an API server answers, and what becomes of it: JSON, or one of our errors. Nothing of a
//! library's own words reaches a user where they could hold a secret or say nothing.

use super::Cluster;
use crate::error::{ApiStatus, Error, FieldConflict, Source};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Bytes;
use kube::client::{AuthError, Body, UpgradeConnectionError};
use kube::core::Status;
use kube::core::response::{StatusCause, StatusDetails};
use std::error::Error as _;
use std::time::Duration;

/// An answer longer than this is refused. A page of 500 objects is a few MiB; etcd takes no object
/// over 1.5 MiB.
const LONGEST: usize = 256 << 20;

/// A `Status` needs no more.
const LONGEST_STATUS: usize = 1 << 20;

/// So much of a refusal that is no `Status` is shown.
const LONGEST_WORDS: usize = 200;

/// What a request is for, in words for its error.
#[derive(Clone, Copy)]
pub(super) struct Purpose<'a> {
    pub(super) verb: &'static str,
    pub(super) what: &'a str,
}

/// A request that was not granted.
pub(super) enum Failure {
    /// The API server said so.
    Refused(Box<Refused>),
    /// There was no answer, or not one of an API server.
    Lost(kube::Error),
    /// Something that no second try would change.
    Broken(String),
}

/// The API server's own no.
pub(super) struct Refused {
    pub(super) status: Status,
    /// `Retry-After`.
    pub(super) after: Option<Duration>,
}

/// The body of a good answer, or what was said in its place.
pub(super) async fn read(response: Response<Body>) -> Result<Bytes, Failure> {
    let code = response.status();
    if code.is_success() {
        return body(response, LONGEST).await;
    }
    if !code.is_client_error() && !code.is_server_error() {
        return Err(Failure::Broken(format!("it answers {code}")));
    }
    let after = retry_after(response.headers());
    let words = body(response, LONGEST_STATUS).await.unwrap_or_default();
    let mut status: Status = serde_json::from_slice(&words).unwrap_or_default();
    if status.message.is_empty() && status.reason.is_empty() {
        status.message = first_words(&String::from_utf8_lossy(&words), code);
    }
    status.code = code.as_u16();
    Err(Failure::Refused(Box::new(Refused { status, after })))
}

async fn body(response: Response<Body>, limit: usize) -> Result<Bytes, Failure> {
    match Limited::new(response.into_body(), limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::Broken(format!(
            "its answer is longer than {} MiB",
            limit >> 20
        ))),
        Err(error) => Err(Failure::Lost(match error.downcast::<kube::Error>() {
            Ok(error) => *error,
            Err(error) => kube::Error::Service(error),
        })),
    }
}

/// A refusal that is not a `Status`: a proxy's page, or nothing.
fn first_words(text: &str, code: StatusCode) -> String {
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') {
        return code.to_string();
    }
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(LONGEST_WORDS).collect()
}

/// Seconds; API servers send no dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

impl Cluster {
    /// Our error for a request that was not granted.
    pub(super) fn explain_failure(&self, failure: Failure, purpose: Purpose<'_>) -> Error {
        match failure {
            Failure::Refused(refused) => self.explain_status(refused.status, purpose),
            Failure::Lost(error) => self.explain(error, purpose),
            Failure::Broken(reason) => self.unreachable(reason, None),
        }
    }

    /// Our error for kube's.
    pub(super) fn explain(&self, error: kube::Error, purpose: Purpose<'_>) -> Error {
        if let Some(auth) = find_cause::<AuthError>(&error) {
            return Error::Kubeconfig(credential_words(auth));
        }
        match error {
            kube::Error::Api(status) => self.explain_status(*status, purpose),
            kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(code)) => self
                .explain_status(
                    Status::failure(&code.to_string(), "").with_code(code.as_u16()),
                    purpose,
                ),
            kube::Error::UpgradeConnection(error) => Error::Api {
                doing: purpose.verb,
                what: purpose.what.to_owned(),
                status: ApiStatus::default(),
                reason: sentence(&error),
            },
            other => self.unreachable(cause(&other), Some(Box::new(other))),
        }
    }

    fn explain_status(&self, status: Status, purpose: Purpose<'_>) -> Error {
        let what = purpose.what.to_owned();
        let is_terminating = has_cause(&status, "NamespaceTerminating");
        // Another field manager that holds a field is told apart from a version that is out of
        // date.
        let is_stale =
            status.reason != "AlreadyExists" && !has_cause(&status, "FieldManagerConflict");
        let reason = if status.message.is_empty() {
            status.reason.clone()
        } else {
            status.message
        };
        match StatusCode::from_u16(status.code) {
            Ok(StatusCode::UNAUTHORIZED) => Error::Unauthorized {
                server: self.server.clone(),
            },
            // A namespace that is being deleted takes nothing new: it is another one afterwards.
            Ok(StatusCode::FORBIDDEN) if is_terminating => Error::Raced { what },
            Ok(StatusCode::CONFLICT) if is_stale => Error::Raced { what },
            Ok(StatusCode::FORBIDDEN) => Error::Forbidden {
                verb: purpose.verb,
                what,
                reason,
            },
            Ok(StatusCode::NOT_FOUND) => Error::NotFound { what, hint: None },
            _ => Error::Api {
                doing: purpose.verb,
                what,
                status: ApiStatus {
                    code: status.code,
                    reason: status.reason,
                    conflicts: status.details.map(conflicts).unwrap_or_default(),
                },
                reason,
            },
        }
    }

    pub(super) fn unreachable(&self, reason: String, source: Option<Source>) -> Error {
        Error::Unreachable {
            server: self.server.clone(),
            reason,
            source,
        }
    }
}

fn has_cause(status: &Status, reason: &str) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == reason)
}

/// The fields that server-side apply was refused for. The manager's name is only in the message:
/// `conflict with "x" using v1`, with the name quoted as Go does it.
fn conflicts(details: StatusDetails) -> Vec<FieldConflict> {
    let ours = |cause: &StatusCause| cause.reason == "FieldManagerConflict";
    let causes = details.causes.into_iter().filter(ours);
    causes
        .map(|cause| FieldConflict {
            manager: cause.message.split('"').nth(1).unwrap_or_default().into(),
            field: cause.field,
        })
        .collect()
}

/// Why there are no credentials. kube's own words would print what the plugin said on standard
/// output, which may be the token.
pub(super) fn credential_words(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { out, .. } => {
            let said = String::from_utf8_lossy(&out.stderr);
            let said = said.trim().lines().last().unwrap_or_default();
            let said = if said.is_empty() {
                String::new()
            } else {
                format!(": {said}")
            };
            format!("its credential plugin failed ({}){said}", out.status)
        }
        AuthError::AuthExecStart(error) => {
            format!("its credential plugin cannot be started: {error}")
        }
        AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_) => {
            "what its credential plugin printed is not an ExecCredential".into()
        }
        AuthError::ExecPluginFailed => "its credential plugin printed no credentials".into(),
        AuthError::AuthExec(_) => {
            "its auth-provider is not supported: use a credential plugin (exec)".into()
        }
        AuthError::InvalidBearerToken(_) | AuthError::InvalidBasicAuth(_) => {
            "its credentials have characters that no HTTP header may have".into()
        }
        AuthError::ReadTokenFile(error, path) => {
            format!("its token file {} cannot be read: {error}", path.display())
        }
        AuthError::MissingCommand => "its credential plugin has no command".into(),
        AuthError::Oidc(_) => {
            "its OIDC tokens cannot be used, and could not be refreshed: log in again".into()
        }
        AuthError::MalformedTokenExpirationDate(_) => {
            "its credentials expire at something that is not a time".into()
        }
        _ => "its credentials cannot be used".into(),
    }
}

/// The first of an error and its causes that is of this type.
pub(super) fn find_cause<'e, E: std::error::Error + 'static>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e E> {
    let mut current = Some(error);
    while let Some(error) = current {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        current = error.source();
    }
    None
}

/// True where the connection ended before there was an answer, which a new one may not.
pub(super) fn was_cut(error: &kube::Error) -> bool {
    let hyper = match error {
        kube::Error::HyperError(error) => Some(error),
        other => other.source().and_then(find_cause::<hyper::Error>),
    };
    hyper.is_some_and(|error| error.is_incomplete_message() || error.is_closed())
}

/// The cause of an error that has no other cause, in one line: "Connection refused", without what
/// was going on.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(deeper) = last.source() {
        last = deeper;
    }
    last.to_string().replace('\n', " ")
}

/// An error and its causes in one line.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text.replace('\n', " ")
}

pub(super) fn invalid(
    doing: &'static str,
    what: &dyn std::fmt::Display,
    error: &dyn std::error::Error,
) -> Error {
    Error::Api {
        doing,
        what: what.to_string(),
        status: ApiStatus::default(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn a_plugin_that_fails_is_told_by_its_status_and_not_by_what_it_printed() {
        let out = std::process::Output {
            status: std::process::ExitStatus::from_raw(256),
            stdout: b"{\"status\": {\"token\": \"s3cr3t\"}}".to_vec(),
            stderr: b"Traceback\nno session: run sso login\n".to_vec(),
        };
        let words = credential_words(&AuthError::AuthExecRun {
            cmd: "aws --password s3cr3t".into(),
            out: Box::new(out),
        });
        assert_eq!(
            words,
            "its credential plugin failed (exit status: 1): no session: run sso login"
        );
    }

    #[test]
    fn a_refusal_that_is_no_status_is_one_line() {
        let code = StatusCode::FORBIDDEN;
        assert_eq!(first_words("<html>\nno</html>", code), "403 Forbidden");
        assert_eq!(first_words("", code), "403 Forbidden");
        assert_eq!(first_words("no\nnever", code), "no");
        assert_eq!(first_words(&"x".repeat(5_000), code).len(), LONGEST_WORDS);
    }

    #[test]
    fn retry_after_is_seconds() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert("retry-after", "7".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert("retry-after", "soon".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }
}
