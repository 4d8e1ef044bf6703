//! An API server that only fails, or says the least that there is to say. It knows no semantics of
//! Kubernetes: what a real API server does is tested on a real one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What each request gets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// A status with a Kubernetes `Status` as its body.
    Status(u16),
    /// Half of what was announced.
    Truncated,
    /// Nothing, for longer than anybody waits.
    Silence,
    /// Bytes that are not JSON.
    Garbage,
    /// A version, empty lists, and nothing else.
    Empty,
    /// 429, with a `Retry-After` in seconds.
    Busy(u64),
    /// Lists of which each page says that there is one more.
    Endless,
    /// Lists whose second page is 410 for the first few times, and then there.
    Expiring,
    /// A JSON string that goes on until somebody stops reading.
    Flood,
    /// A byte now and then, for longer than anybody waits.
    Drip,
    /// A status and a body for some paths, with or without a query; 404 elsewhere.
    Paths(&'static [(&'static str, u16, &'static str)]),
}

pub(crate) struct Server {
    pub(crate) address: String,
    /// The heads of the requests so far.
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = seen.clone();
                std::thread::spawn(move || serve(stream, &answer, &seen));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn kubeconfig(&self) -> tempfile::NamedTempFile {
        kubeconfig(&self.address)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic holds it").clone()
    }
}

/// A kubeconfig for a server.
pub(crate) fn kubeconfig(server: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts: [{{name: here, context: \
         {{cluster: here, user: \
         me}}}}]\nusers: [{{name: me, user: {{token: t}}}}]\nclusters: [{{name: here, cluster: \
         {{server: '{server}'}}}}]\n"
    );
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn serve(stream: TcpStream, answer: &Answer, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut stream = stream;
    while let Some(head) = request(&mut reader) {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let before = {
            let mut seen = seen.lock().expect("no panic holds it");
            seen.push(head);
            let same = |head: &&String| head.split(' ').nth(1) == Some(path.as_str());
            seen.iter().filter(same).count() - 1
        };
        if respond(&mut stream, answer, &path, before).is_err() {
            return;
        }
    }
}

/// The head of the next request; its body is read and dropped.
fn request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let length = head.lines().find_map(|l| {
        l.to_lowercase()
            .strip_prefix("content-length:")?
            .trim()
            .parse()
            .ok()
    });
    reader.read_exact(&mut vec![0; length.unwrap_or(0)]).ok()?;
    Some(head)
}

/// Answer a request for `path`, which has come so many times `before`.
fn respond(
    stream: &mut TcpStream,
    answer: &Answer,
    path: &str,
    before: usize,
) -> std::io::Result<()> {
    let version = r#"{"gitVersion":"v1.2.3"}"#.to_owned();
    let (status, body) = match answer {
        Answer::Silence => return silence(),
        Answer::Flood if !path.starts_with("/version") => return flood(stream),
        Answer::Drip => return drip(stream),
        Answer::Status(code) => (*code, refusal(*code)),
        Answer::Busy(_) => (429, refusal(429)),
        Answer::Paths(known) => {
            let path = path.split('?').next().unwrap_or_default();
            match known.iter().find(|(at, ..)| *at == path) {
                Some((_, 200, body)) => (200, (*body).to_owned()),
                Some((_, code, _)) => (*code, refusal(*code)),
                None => (404, refusal(404)),
            }
        }
        Answer::Garbage => (
            200,
            "<html>\u{1b}[31mthis is a login page</html>".to_owned(),
        ),
        _ if path.starts_with("/version") => (200, version),
        Answer::Endless => (200, page(&format!("token-{before}-{}", path.len()))),
        Answer::Expiring if path.contains("continue=next") && before < 2 => (410, refusal(410)),
        Answer::Expiring if path.contains("continue=next") => (200, page("")),
        Answer::Expiring => (200, page("next")),
        Answer::Truncated | Answer::Empty | Answer::Flood => (200, page("")),
    };
    let retry = match answer {
        Answer::Busy(seconds) => format!("retry-after: {seconds}\r\n"),
        _ => String::new(),
    };
    let head = format!(
        "HTTP/1.1 {status} Any\r\ncontent-type: application/json\r\n{retry}content-length: \
         {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if matches!(answer, Answer::Truncated) {
        stream.write_all(&body.as_bytes()[..body.len() / 2])?;
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    stream.write_all(body.as_bytes())
}

/// An empty page of a list, and where the next one begins.
fn page(next: &str) -> String {
    format!(r#"{{"kind":"List","apiVersion":"v1","metadata":{{"continue":"{next}"}},"items":[]}}"#)
}

fn silence() -> std::io::Result<()> {
    std::thread::sleep(Duration::from_secs(60));
    Err(std::io::ErrorKind::TimedOut.into())
}

const CHUNKED: &str =
    "HTTP/1.1 200 Any\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

fn flood(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(CHUNKED.as_bytes())?;
    let chunk = "x".repeat(1 << 20);
    stream.write_all(b"1\r\n\"\r\n")?;
    loop {
        stream.write_all(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes())?;
    }
}

fn drip(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(CHUNKED.as_bytes())?;
    for _ in 0..120 {
        stream.write_all(b"1\r\n \r\n")?;
        std::thread::sleep(Duration::from_millis(500));
    }
    Err(std::io::ErrorKind::TimedOut.into())
}

fn refusal(code: u16) -> String {
    format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"not now\u001b[31m","reason":"Because","code":{code}}}"#
    )
}
