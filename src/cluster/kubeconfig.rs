//! The kubeconfig, found as kubectl finds it: the file of `--kubeconfig`, which must be there; or
//! the files of `KUBECONFIG` as one, of which some may be missing; or `~/.kube/config`.

use super::options::ConnectOptions;
use crate::error::Error;
use kube::config::{Kubeconfig, KubeconfigError, LoadDataError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The names in a kubeconfig.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// For `--context`.
    pub contexts: Vec<String>,
    /// For `--cluster`.
    pub clusters: Vec<String>,
    /// For `--user`.
    pub users: Vec<String>,
}

impl Names {
    /// Read them; empty where there is no kubeconfig.
    pub fn read(options: &ConnectOptions) -> Result<Self, Error> {
        Ok(read(options)?.as_ref().map(Self::of).unwrap_or_default())
    }

    fn of(kubeconfig: &Kubeconfig) -> Self {
        Self {
            contexts: kubeconfig.contexts.iter().map(|c| c.name.clone()).collect(),
            clusters: kubeconfig.clusters.iter().map(|c| c.name.clone()).collect(),
            users: kubeconfig
                .auth_infos
                .iter()
                .map(|u| u.name.clone())
                .collect(),
        }
    }
}

/// The kubeconfig; nothing where nobody named one and there is none at the usual place.
pub(super) fn read(options: &ConnectOptions) -> Result<Option<Kubeconfig>, Error> {
    if let Some(path) = &options.kubeconfig {
        return read_one(path).map(Some);
    }
    let Some(list) = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) else {
        let usual = std::env::home_dir()
            .map(|home| home.join(".kube/config"))
            .filter(|path| path.exists());
        return usual.map(|path| read_one(&path)).transpose();
    };
    let files: Vec<PathBuf> = std::env::split_paths(&list)
        .filter(|path| path.exists())
        .collect();
    let mut whole: Option<Kubeconfig> = None;
    for file in files {
        let next = read_one(&file)?;
        whole = Some(match whole {
            Some(before) => before
                .merge(next)
                .map_err(|e| Error::Kubeconfig(words(&e)))?,
            None => next,
        });
    }
    let missing = || {
        Error::Kubeconfig(format!(
            "KUBECONFIG names no file that exists: {}",
            list.to_string_lossy()
        ))
    };
    whole.ok_or_else(missing).map(Some)
}

/// What was asked for by name is there; kube itself would go on without.
pub(super) fn check(kubeconfig: &Kubeconfig, options: &ConnectOptions) -> Result<(), Error> {
    let names = Names::of(kubeconfig);
    for (what, asked, there) in [
        ("context", &options.context, names.contexts),
        ("cluster", &options.cluster, names.clusters),
        ("user", &options.user, names.users),
    ] {
        if let Some(name) = asked.as_ref().filter(|name| !there.contains(name)) {
            return Err(Error::Kubeconfig(format!(
                "it has no {what} {name} (there is {})",
                listed(&there)
            )));
        }
    }
    Ok(())
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

fn read_one(path: &Path) -> Result<Kubeconfig, Error> {
    Kubeconfig::read_from(path).map_err(|error| {
        let place = path.display();
        Error::Kubeconfig(match &error {
            KubeconfigError::Parse(cause) => match cause.location() {
                Some(at) => format!("{place}:{}: {}", at.line(), words(&error)),
                None => format!("{place}: {}", words(&error)),
            },
            other => format!("{place}: {}", words(other)),
        })
    })
}

/// What is wrong with it. kube's own words have lines of the file in them, and with these a token
/// or a key.
pub(super) fn words(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::CurrentContextNotSet => "it has no current-context".into(),
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            "the files of KUBECONFIG are not of one kind".into()
        }
        KubeconfigError::LoadContext(name) => format!("it has no context {name}"),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name}"),
        KubeconfigError::ReadConfig(cause, _) if cause.kind() == ErrorKind::InvalidData => {
            "this is not text".into()
        }
        KubeconfigError::ReadConfig(cause, _) => cause.to_string(),
        KubeconfigError::Parse(_) => "this is not a kubeconfig, or not valid YAML".into(),
        KubeconfigError::MissingClusterUrl => "the cluster has no server".into(),
        KubeconfigError::ParseClusterUrl(_) => "the cluster's server is not a URL".into(),
        KubeconfigError::ParseProxyUrl(_) => "the cluster's proxy-url is not a URL".into(),
        KubeconfigError::LoadCertificateAuthority(cause) => {
            format!("certificate-authority: {}", data_words(cause))
        }
        KubeconfigError::LoadClientCertificate(cause) => {
            format!("client-certificate: {}", data_words(cause))
        }
        KubeconfigError::LoadClientKey(cause) => format!("client-key: {}", data_words(cause)),
        KubeconfigError::ParseCertificates(_) => {
            "certificate-authority: this is not a certificate in PEM".into()
        }
        _ => "it cannot be used".into(),
    }
}

fn data_words(error: &LoadDataError) -> String {
    match error {
        LoadDataError::ReadFile(cause, path) => format!("{}: {cause}", path.display()),
        LoadDataError::DecodeBase64(_) => "the data is not Base64".into(),
        LoadDataError::NoBase64DataOrFile => "there is neither data nor a file".into(),
    }
}
