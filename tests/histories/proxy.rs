//! Between one run of the program and the API server: it counts and keeps the requests, and at one
//! of them lets happen what the history says.

use super::api::{Answer, forward};
use super::mesh::play;
use super::world::World;
use http::{Method, Request};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Which request of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// The n-th of all, from 0.
    Request(usize),
    /// The n-th that changes something, from 0.
    Write(usize),
}

/// What happens there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Before the server acts.
    Before(Event),
    /// When the server has acted, and before the program hears of it.
    After(Event),
    /// The server answers with this status and does nothing, that often.
    Refuse(u16, usize),
    /// Every list of that kind is refused with 403, from here on.
    Forbid(&'static str),
    /// The server acted, and half of its answer arrives.
    Cut,
    /// The answer takes its time.
    Slow,
}

/// What can happen before or after the server acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The program is killed.
    Kill,
    /// The connection ends.
    Drop,
    /// Another run from its first request to its last.
    Run(Box<super::story::Step>),
    /// Ctrl-C.
    Interrupt,
    /// The API server is killed and started again.
    Restart,
}

/// A request that came, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    /// The server keeps something of it.
    pub(crate) changes: bool,
    /// Worth telling: a change, or something happened at it.
    pub(crate) matters: bool,
}

/// A run's own proxy.
pub(crate) struct Proxy {
    pub(crate) address: String,
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
}

/// What every connection of it shares.
struct Shared {
    world: Arc<World>,
    plan: Option<(At, Fault)>,
    process: Arc<Mutex<Option<u32>>>,
    requests: Mutex<Vec<Seen>>,
    writes: AtomicUsize,
    all: AtomicUsize,
    refusals: AtomicUsize,
    /// One request at a time, so that a history is nearly the same each time.
    turn: Mutex<()>,
    /// What other runs told while this one waited.
    told: Arc<Mutex<Vec<super::run::Outcome>>>,
}

impl Proxy {
    pub(crate) fn start(
        world: &Arc<World>,
        plan: Option<(At, Fault)>,
        process: &Arc<Mutex<Option<u32>>>,
        told: &Arc<Mutex<Vec<super::run::Outcome>>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let stop = Arc::new(AtomicBool::new(false));
        let shared = Arc::new(Shared {
            world: world.clone(),
            plan,
            process: process.clone(),
            requests: Mutex::default(),
            writes: AtomicUsize::new(0),
            all: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
            turn: Mutex::new(()),
            told: told.clone(),
        });
        let (stopped, own) = (stop.clone(), shared.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let shared = shared.clone();
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self {
            address,
            shared: own,
            stop,
        }
    }

    /// Wait for the request that is under way, and give all of them.
    pub(crate) fn settle(&self) -> Vec<Seen> {
        let _turn = self
            .shared
            .turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let requests = self.shared.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The listener sees it at its next connection.
        let _ = TcpStream::connect(self.address.trim_start_matches("http://"));
    }
}

fn serve(stream: &TcpStream, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        if handle(stream, shared, request).is_none() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

/// One request; nothing where the connection ends with it.
fn handle(stream: &TcpStream, shared: &Shared, request: Request<Vec<u8>>) -> Option<()> {
    let turn = shared.turn.lock().unwrap_or_else(PoisonError::into_inner);
    let writes = changes(&request);
    let number = shared.all.fetch_add(1, Ordering::Relaxed);
    let write = writes.then(|| shared.writes.fetch_add(1, Ordering::Relaxed));
    let fault = shared.plan.as_ref().and_then(|(at, fault)| {
        let here = match at {
            At::Request(n) => number == *n,
            At::Write(n) => write == Some(*n),
        };
        let again = matches!(fault, Fault::Refuse(_, times)
            if (1..*times).contains(&shared.refusals.load(Ordering::Relaxed)));
        let forbidden = matches!(fault, Fault::Forbid(plural)
            if request.method() == Method::GET && request.uri().path().ends_with(plural));
        match fault {
            Fault::Forbid(_) => forbidden.then_some(fault),
            _ => (here || again).then_some(fault),
        }
    });
    let line = format!("{} {}", request.method(), request.uri());
    let note = |what: &str| {
        let mut requests = shared
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        requests.push(Seen {
            line: format!("{line}{what}"),
            changes: writes,
            matters: writes || !what.is_empty(),
        });
    };
    match fault {
        Some(Fault::Refuse(status, _)) => {
            shared.refusals.fetch_add(1, Ordering::Relaxed);
            note(&format!("  <- refused with {status}"));
            return write_answer(stream, &refusal(*status), false);
        }
        Some(Fault::Forbid(_)) => {
            note("  <- forbidden");
            return write_answer(stream, &refusal(403), false);
        }
        Some(Fault::Before(event)) => {
            note(&format!("  <- before it: {event:?}"));
            happen(shared, event)?;
        }
        Some(fault) => note(&format!("  <- {fault:?}")),
        None => note(""),
    }
    if writes {
        shared.world.watch(&request);
    }
    let (method, path) = (request.method().clone(), request.uri().to_string());
    let answer = forward(&shared.world.api.client, request).ok()?;
    if writes && answer.good() {
        play(&shared.world.api, &method, &path, &answer);
    }
    if let Some(Fault::After(event)) = fault {
        happen(shared, event)?;
    }
    drop(turn);
    if fault == Some(&Fault::Slow) {
        std::thread::sleep(Duration::from_millis(300));
    }
    write_answer(stream, &answer, fault == Some(&Fault::Cut))
}

/// Whether the server would keep something of it.
pub(crate) fn changes(request: &Request<Vec<u8>>) -> bool {
    let path = request.uri().path();
    let asks = path.starts_with("/apis/authorization.k8s.io/")
        || path.starts_with("/apis/authentication.k8s.io/");
    let tries = request
        .uri()
        .query()
        .is_some_and(|q| q.contains("dryRun=All"))
        || String::from_utf8_lossy(request.body()).contains("\"dryRun\":[\"All\"]");
    request.method() != Method::GET && !asks && !tries
}

/// Let it happen; nothing where the connection ends by it.
fn happen(shared: &Shared, event: &Event) -> Option<()> {
    let signal = |name: &str| {
        let process = shared
            .process
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = *process {
            let _ = std::process::Command::new("kill")
                .args([name, &id.to_string()])
                .status();
        }
    };
    match event {
        Event::Kill => {
            signal("-KILL");
            None
        }
        Event::Interrupt => {
            signal("-INT");
            Some(())
        }
        Event::Drop => None,
        Event::Run(step) => {
            let outcomes = super::run::run(&shared.world, step);
            let mut told = shared.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.extend(outcomes);
            Some(())
        }
        Event::Restart => {
            shared.world.server.restart();
            Some(())
        }
    }
}

fn refusal(status: u16) -> Answer {
    let reason = match status {
        403 => "Forbidden",
        409 => "Conflict",
        410 => "Expired",
        422 => "Invalid",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "reason": reason,
        "message": format!("the test answers {status}"),
    });
    Answer {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request<Vec<u8>>> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let mut request = Request::builder().method(words.next()?).uri(words.next()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_lowercase(), value.trim());
        match name.as_str() {
            "content-length" => length = value.parse().ok()?,
            "host" | "connection" | "accept-encoding" | "transfer-encoding" => {}
            _ => request = request.header(name, value),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body(body).ok()
}

fn write_answer(mut stream: &TcpStream, answer: &Answer, cut: bool) -> Option<()> {
    let kind = answer
        .headers
        .iter()
        .find(|(name, _)| name == "content-type");
    let head = format!(
        "HTTP/1.1 {} Any\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
        answer.status,
        kind.map_or("application/json", |(_, value)| value),
        answer.body.len()
    );
    let end = if cut {
        answer.body.len() / 2
    } else {
        answer.body.len()
    };
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&answer.body[..end]).ok()?;
    (!cut).then_some(())
}
