//! Everything that can end a command early. Each error says what was being done, to which object,
//! and what to do about it, and knows its exit code.

use crate::exit::Exit;
use crate::kubernetes::{Absence, Kind, ObjectRef};
use std::time::Duration;

/// What a library said underneath, for `-vv`. Never one whose words may hold a secret.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// What an API server answered, in its own two words: HTTP's code, and Kubernetes' reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiStatus {
    /// HTTP's code; 0 where no API server answered.
    pub code: u16,
    /// The reason of the `Status`, for programs: `Conflict`, `AlreadyExists`, `Invalid`.
    pub reason: String,
    /// The fields that other managers own, where server-side apply was refused for them.
    pub conflicts: Vec<FieldConflict>,
}

/// A field of another manager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldConflict {
    /// The manager.
    pub manager: String,
    /// The field, as `.spec.hosts`.
    pub field: String,
}

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Arguments that do not fit together, or a value that cannot be read.
    #[error("{0}")]
    Usage(String),
    /// A file, or standard input, that cannot be read as what it should be.
    #[error("cannot read {path}: {reason}")]
    Input {
        /// The file, or `-`.
        path: String,
        /// What is wrong with it, with line and column where known.
        reason: String,
    },
    /// The kubeconfig does not name a cluster that can be used.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(String),
    /// No connection to the API server.
    #[error("cannot reach the cluster at {server}: {reason}")]
    Unreachable {
        /// The API server's address, without a user's name and password.
        server: String,
        /// The transport's own words.
        reason: String,
        /// What the transport said in full.
        #[source]
        source: Option<Source>,
    },
    /// 401: the API server does not know us.
    #[error("the cluster at {server} refused the credentials")]
    Unauthorized {
        /// The API server's address.
        server: String,
    },
    /// 403 while doing something that the command cannot do without.
    #[error("not allowed to {verb} {what}")]
    Forbidden {
        /// The verb of the request: get, list, patch, delete, create.
        verb: &'static str,
        /// The resource, with namespace and name where there is one.
        what: String,
        /// The API server's message.
        reason: String,
    },
    /// The API server refused or failed a request.
    #[error("could not {doing} {what}: {reason}")]
    Api {
        /// The action, as a verb.
        doing: &'static str,
        /// The object or resource.
        what: String,
        /// What the API server answered, for programs.
        status: ApiStatus,
        /// The same in its own words.
        reason: String,
    },
    /// Somebody else wrote between our look at an object and our write: what was decided is to be
    /// decided again.
    #[error("{what} was changed by somebody else meanwhile")]
    Raced {
        /// The object.
        what: String,
    },
    /// Another field manager holds a field that we would set.
    #[error("{object} is also managed by {managers}: {fields}")]
    Conflict {
        /// The object.
        object: ObjectRef,
        /// Who holds the fields.
        managers: String,
        /// Which fields.
        fields: String,
    },
    /// The API server does not serve the kind, or at no version that we know.
    #[error("{}", not_served(*.kind, .absence))]
    NotServed {
        /// The kind.
        kind: Kind,
        /// What of it is missing.
        absence: Absence,
    },
    /// Something that must exist does not.
    #[error("{what} not found")]
    NotFound {
        /// What was looked for.
        what: String,
        /// What to do.
        hint: Option<String>,
    },
    /// We will not do this, because it would hurt somebody else's objects or cannot work.
    #[error("{why}")]
    Refused {
        /// The reason, with the names of the objects and their owner.
        why: String,
        /// What to do instead.
        hint: Option<String>,
    },
    /// Something did not come in time.
    #[error("gave up after {}s waiting for {what}", .after.as_secs())]
    Deadline {
        /// What was waited for, and its last known state.
        what: String,
        /// How long.
        after: Duration,
    },
    /// The operation ran and did not do what it should; the report has been printed.
    #[error("{0}")]
    Failed(String),
    /// Ctrl-C. A verb that writes tells by itself what it had done.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// The exit code of a command that ends with this error.
    pub fn exit(&self) -> Exit {
        match self {
            Error::Usage(_) | Error::Input { .. } => Exit::Usage,
            Error::Kubeconfig(_) | Error::Unreachable { .. } | Error::Unauthorized { .. } => {
                Exit::Unreachable
            }
            Error::Interrupted => Exit::Interrupted,
            _ => Exit::Problems,
        }
    }

    /// One sentence on what to do, where there is something to say.
    pub fn advice(&self) -> Option<String> {
        match self {
            Error::Kubeconfig(_) => Some("check KUBECONFIG, --kubeconfig and --context".into()),
            Error::Unreachable { .. } => {
                Some("check the network and `kubectl cluster-info`".into())
            }
            Error::Unauthorized { .. } => {
                Some("log in again, or choose another --context or --user".into())
            }
            Error::Forbidden { reason, .. } => Some(reason.clone()),
            Error::Conflict { .. } => Some(
                "remove the fields from the other manager, or take them over with --force-conflicts"
                    .into(),
            ),
            Error::NotFound { hint, .. } | Error::Refused { hint, .. } => hint.clone(),
            Error::Raced { .. } => Some("run the same command again".into()),
            Error::Deadline { .. } => Some(
                "run `kubectl egress doctor` for the reason, or allow more with --timeout".into(),
            ),
            _ => None,
        }
    }

    /// True where somebody else wrote the object since it was read (409 Conflict): read it again.
    pub fn is_stale(&self) -> bool {
        matches!(self, Error::Raced { .. })
    }

    /// True where a list has changed too much since its first page to go on (410 Gone).
    pub fn is_expired(&self) -> bool {
        matches!(self, Error::Api { status, .. } if status.code == 410)
    }

    /// True for what passes by itself: one that waits asks again.
    pub fn is_passing(&self) -> bool {
        match self {
            Error::Unreachable { .. } => true,
            Error::Api { status, .. } => status.code == 429 || status.code >= 500,
            _ => false,
        }
    }

    /// True where somebody else has created the object since it was looked for.
    pub fn is_taken(&self) -> bool {
        matches!(self, Error::Api { status, .. } if status.reason == "AlreadyExists")
    }

    /// True for an error that says nothing about the object asked for, only that it may not be
    /// looked at.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Error::Forbidden { .. })
    }
}

fn not_served(kind: Kind, absence: &Absence) -> String {
    let (plural, group) = (kind.plural(), kind.group());
    match absence {
        Absence::Group => format!(
            "the API server does not know {plural}.{group}: it has no CustomResourceDefinition of \
             the group {group}"
        ),
        Absence::Kind => format!(
            "the API server does not know {plural}.{group}: it has no CustomResourceDefinition of \
             that name"
        ),
        Absence::Versions(served) => format!(
            "the API server has {plural}.{group} at {} only, and this program reads {}",
            served.join(", "),
            kind.versions().join(", ")
        ),
    }
}
