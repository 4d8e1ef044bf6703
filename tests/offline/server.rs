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
                std::thread::spawn(move || serve(stream, answer, &seen));
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
        "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts: [{{name: here, context: {{cluster: here, user: \
         me}}}}]\nusers: [{{name: me, user: {{token: t}}}}]\nclusters: [{{name: here, cluster: {{server: '{server}'}}}}]\n"
    );
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn serve(stream: TcpStream, answer: Answer, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut stream = stream;
    while let Some(head) = request(&mut reader) {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        seen.lock().expect("no panic holds it").push(head);
        if respond(&mut stream, answer, &path).is_err() {
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

fn respond(stream: &mut TcpStream, answer: Answer, path: &str) -> std::io::Result<()> {
    let (status, body) = match answer {
        Answer::Silence => {
            std::thread::sleep(Duration::from_secs(60));
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        Answer::Status(code) => (code, refusal(code)),
        Answer::Garbage => (
            200,
            "<html>\u{1b}[31mthis is a login page</html>".to_owned(),
        ),
        Answer::Truncated | Answer::Empty if path.starts_with("/version") => {
            (200, r#"{"gitVersion":"v1.2.3"}"#.into())
        }
        Answer::Truncated | Answer::Empty => (
            200,
            r#"{"kind":"List","apiVersion":"v1","metadata":{},"items":[]}"#.into(),
        ),
    };
    let head = format!(
        "HTTP/1.1 {status} Any\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    if matches!(answer, Answer::Truncated) {
        stream.write_all(&body.as_bytes()[..body.len() / 2])?;
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    stream.write_all(body.as_bytes())
}

fn refusal(code: u16) -> String {
    format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"not now\u001b[31m","reason":"Because","code":{code}}}"#
    )
}
