//! A request from the client's own container: what the application itself would get. The container
//! of the proxy is never used, its connections are not captured.

use super::answer::{Answer, Failure, cut};
use super::exchange::get;
use super::handshake::shake;
use super::pipe::{BytePipe, DETECT, Tools, WITHOUT_SHELL, curl, wget};
use super::sni::{milliseconds, pem};
use crate::cluster::{Cluster, ExecOutput};
use crate::deadline::Deadline;
use crate::error::{ApiStatus, Error};
use crate::kubernetes::pod::PROXY;
use crate::model::target::{AppProtocol, Host, Target};
use crate::model::trace::HopName;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};

/// A container of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientPod {
    /// The namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container, which is not the proxy's.
    pub container: String,
}

/// What to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The host, which is no wildcard, with port and protocol. `https` and `tls` both end in a GET,
    /// since most TLS is.
    pub target: Target,
    /// The path of an HTTP request.
    pub path: String,
}

/// One request takes no longer than this, whatever the deadline.
const LONGEST: Duration = Duration::from_secs(10);

/// A far side that speaks first does so within this.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the container has to connect with. Two or three execs at most; worth keeping for the next
/// request.
pub async fn find_tools(
    cluster: &Cluster,
    at: &ClientPod,
    deadline: Deadline,
) -> Result<Tools, Error> {
    refuse_proxy(at)?;
    if let Some(asked) = exec(
        cluster,
        at,
        &["sh".into(), "-c".into(), DETECT.into()],
        deadline,
    )
    .await?
    {
        return Ok(Tools::named(asked.text().lines()));
    }
    let mut found = Vec::new();
    for tool in WITHOUT_SHELL {
        if exec(cluster, at, &[(*tool).into(), "--version".into()], deadline)
            .await?
            .is_some()
        {
            found.push(*tool);
        }
    }
    Ok(Tools::named(found))
}

/// Make a request from the container, through the best that it has. Errors are those of reaching
/// the container; all that happens to the request is an answer, [`Failure::NoTool`] too.
pub async fn client(
    cluster: &Cluster,
    at: &ClientPod,
    tools: &Tools,
    request: &Request,
    deadline: Deadline,
) -> Result<Answer, Error> {
    refuse_proxy(at)?;
    if let Host::Wildcard(name) = &request.target.host {
        return Err(Error::Usage(format!(
            "a request needs a host of its own, not {name}"
        )));
    }
    let began = Instant::now();
    let deadline = deadline.at_most(LONGEST);
    let goal = Goal {
        cluster,
        at,
        tools,
        request,
        deadline,
    };
    let mut answer = goal.ask().await?;
    answer.took = milliseconds(began.elapsed());
    Ok(answer)
}

fn refuse_proxy(at: &ClientPod) -> Result<(), Error> {
    if at.container == PROXY {
        let why = format!(
            "container {PROXY} is not captured by the mesh: a request from it proves nothing"
        );
        return Err(Error::Refused {
            why,
            hint: Some("choose a container of the application".into()),
        });
    }
    Ok(())
}

/// Run a command; none where the container has no such program.
async fn exec(
    cluster: &Cluster,
    at: &ClientPod,
    command: &[String],
    deadline: Deadline,
) -> Result<Option<ExecOutput>, Error> {
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let output = cluster
        .exec(
            (&at.namespace, &at.pod, &at.container),
            &command,
            &[],
            deadline,
        )
        .await?;
    match output.code {
        Some(126 | 127) => Ok(None),
        Some(_) => Ok(Some(output)),
        None => not_started(at, &output.failure).map(|()| None),
    }
}

/// The runtime says so where a program is not there; anything else is about the container.
fn not_started(at: &ClientPod, why: &str) -> Result<(), Error> {
    if ["executable file not found", "no such file"]
        .iter()
        .any(|w| why.contains(w))
    {
        return Ok(());
    }
    let what = format!(
        "a command in {}/{} ({})",
        at.namespace, at.pod, at.container
    );
    let reason = if why.is_empty() {
        "it did not say how it ended".to_owned()
    } else {
        why.to_owned()
    };
    Err(Error::Api {
        doing: "run",
        what,
        status: ApiStatus::default(),
        reason,
    })
}

struct Goal<'a> {
    cluster: &'a Cluster,
    at: &'a ClientPod,
    tools: &'a Tools,
    request: &'a Request,
    deadline: Deadline,
}

impl Goal<'_> {
    async fn ask(&self) -> Result<Answer, Error> {
        let protocol = self.request.target.protocol;
        if protocol == AppProtocol::Tcp {
            return match self.tools.plain() {
                Some(pipe) => self.by_pipe(pipe).await,
                None if self.tools.has("curl") => self.by_curl().await,
                None => Ok(Answer::failed(Failure::NoTool, "")),
            };
        }
        let pipe = if protocol.is_tls() {
            self.tools.for_tls()
        } else {
            self.tools.plain()
        };
        let busybox = self.tools.has("wget-is-busybox");
        match pipe {
            _ if self.tools.has("curl") => self.by_curl().await,
            // busybox' wget knows little of TLS: any pipe is better there.
            Some(pipe) if busybox && protocol.is_tls() => self.by_pipe(pipe).await,
            _ if self.tools.has("wget") => self.by_wget().await,
            Some(pipe) => self.by_pipe(pipe).await,
            None => Ok(Answer::failed(Failure::NoTool, "")),
        }
    }

    /// So many seconds the command itself may take: a little less than we wait.
    fn seconds(&self) -> u64 {
        self.deadline.left().as_secs().saturating_sub(1).max(1)
    }

    fn url(&self) -> String {
        let scheme = match self.request.target.protocol {
            AppProtocol::Http => "http",
            AppProtocol::Https | AppProtocol::Tls => "https",
            AppProtocol::Tcp => return format!("telnet://{}", self.request.target),
        };
        format!("{scheme}://{}{}", self.request.target, self.request.path)
    }

    /// A program that was found is there.
    async fn run(&self, command: &[String]) -> Result<ExecOutput, Error> {
        Ok(exec(self.cluster, self.at, command, self.deadline)
            .await?
            .unwrap_or_default())
    }

    async fn by_curl(&self) -> Result<Answer, Error> {
        let tcp = self.request.target.protocol == AppProtocol::Tcp;
        let seconds = || {
            if tcp {
                self.seconds().min(PATIENCE.as_secs() + 1)
            } else {
                self.seconds()
            }
        };
        let mut output = self
            .run(&curl::command(&self.url(), seconds(), false))
            .await?;
        let distrusted = curl::distrusts(output.code);
        if distrusted {
            output = self
                .run(&curl::command(&self.url(), seconds(), true))
                .await?;
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        let mut answer = curl::read(&output.stdout, &errors, output.code, tcp);
        if self.request.target.protocol.is_tls() && (distrusted || answer.reached) {
            answer.trusted = Some(!distrusted);
        }
        Ok(answer)
    }

    async fn by_wget(&self) -> Result<Answer, Error> {
        let command = wget::command(self.tools, &self.url(), self.seconds());
        let output = self.run(&command).await?;
        let verifies = self.request.target.protocol.is_tls() && !self.tools.has("wget-is-busybox");
        Ok(wget::read(
            &output.stdout,
            &String::from_utf8_lossy(&output.stderr),
            output.code,
            verifies,
        ))
    }

    async fn by_pipe(&self, way: &BytePipe) -> Result<Answer, Error> {
        let Target {
            host,
            port,
            protocol,
        } = &self.request.target;
        let host = host.text();
        let command = (way.command)(self.tools, (&host, *port, self.seconds()));
        let at = (
            self.at.namespace.as_str(),
            self.at.pod.as_str(),
            self.at.container.as_str(),
        );
        let mut pipe = self.cluster.pipe(at, &command, self.deadline).await?;
        let header = header_of(&self.request.target);
        let spoken = async {
            match protocol {
                AppProtocol::Tcp => listen(&mut pipe.stream).await,
                AppProtocol::Http => {
                    get(
                        &mut pipe.stream,
                        (&header, &self.request.path),
                        HopName::Sidecar,
                    )
                    .await
                }
                _ if way.starts_tls => {
                    get(
                        &mut pipe.stream,
                        (&header, &self.request.path),
                        HopName::Sidecar,
                    )
                    .await
                }
                _ => secure(&mut pipe.stream, &host, (&header, &self.request.path)).await,
            }
        };
        let spoken = tokio::time::timeout(self.deadline.left(), spoken).await;
        let mut answer = spoken.unwrap_or_else(|_| Answer::failed(Failure::Timeout, way.name));
        if way.starts_tls || matches!(answer.failure, Some(Failure::Reset)) {
            let end = pipe.end().await;
            if !end.failure.is_empty() {
                not_started(self.at, &end.failure)?;
            }
            told_by(&mut answer, &end.complaint, way.starts_tls);
        }
        answer.through = way.name.into();
        Ok(answer)
    }
}

/// The Host header as clients send it: the port only where it is not the scheme's own.
fn header_of(target: &Target) -> String {
    let own = if target.protocol.is_tls() { 443 } else { 80 };
    if target.port == own && !matches!(target.host, Host::Address(IpAddr::V6(_))) {
        return target.host.text();
    }
    target.to_string()
}

/// Say nothing and see what comes.
async fn listen(stream: &mut (impl AsyncRead + Unpin)) -> Answer {
    let mut bytes = [0; 256];
    match tokio::time::timeout(PATIENCE, stream.read(&mut bytes)).await {
        Err(_) => Answer {
            reached: true,
            raw: "stays open, and nothing comes first".into(),
            ..Answer::default()
        },
        Ok(Ok(length @ 1..)) => Answer {
            reached: true,
            raw: cut(&String::from_utf8_lossy(&bytes[..length]), 200),
            ..Answer::default()
        },
        Ok(Ok(0) | Err(_)) => Answer::failed(Failure::Reset, ""),
    }
}

/// Our own TLS, and HTTP in it. A far side that is reached and does not speak HTTP is reached all
/// the same.
async fn secure<S>(stream: S, host: &str, target: (&str, &str)) -> Answer
where
    S: AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let sni = host.parse::<IpAddr>().is_err().then_some(host);
    let hello = match shake(stream, sni, &["http/1.1"]).await {
        Ok(hello) => hello,
        Err(refusal) => {
            return Answer {
                chain: pem(&refusal.chain),
                ..Answer::failed(refusal.failure, "")
            };
        }
    };
    let chain = pem(&hello.chain);
    let shown = crate::identity::certificates(&chain, jiff::Timestamp::now())
        .into_iter()
        .next();
    let answer = get(hello.stream, target, HopName::Sidecar).await;
    Answer {
        reached: answer
            .failure
            .as_ref()
            .is_none_or(|f| !matches!(f, Failure::Envoy { .. })),
        failure: answer
            .failure
            .filter(|f| matches!(f, Failure::Envoy { .. })),
        subject: shown.as_ref().map(|c| c.subject.clone()),
        issuer: shown.map(|c| c.issuer),
        chain,
        ..answer
    }
}

/// What the command itself said explains a connection that just ended; openssl also says what it
/// thinks of the certificate.
fn told_by(answer: &mut Answer, complaint: &str, by_openssl: bool) {
    let told = Failure::from_words(complaint);
    if matches!(answer.failure, Some(Failure::Reset)) && !matches!(told, Failure::Other { .. }) {
        answer.failure = Some(told);
    }
    if by_openssl {
        let line = |depth: &str| {
            complaint
                .lines()
                .find_map(|l| l.strip_prefix(depth))
                .map(|s| s.trim().to_owned())
        };
        (answer.subject, answer.issuer) = (line("depth=0"), line("depth=1"));
        answer.trusted = answer
            .subject
            .is_some()
            .then(|| !complaint.contains("verify error"));
        // The handshake was finished, whatever came after.
        answer.reached |= complaint.contains("verify return") && answer.status.is_none();
    }
    if answer.raw.is_empty() {
        answer.raw = cut(complaint, 2000);
    }
}
