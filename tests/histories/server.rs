//! etcd and kube-apiserver alone: no node, no controller, no network namespace. Both listen on the
//! loopback address only, keep their data in a temporary directory, and end with this process,
//! however that ends.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Runs a program and kills it when standard input ends: when the child is dropped, and also when
/// the test process dies without a word.
const KEEPER: &str =
    "log=$1; shift; \"$@\" >>\"$log\" 2>&1 & pid=$!; read -r _; kill -9 $pid; wait $pid";

/// A token for each user that a test needs: the administrator, and a tenant with rights in one
/// namespace.
const TOKENS: &str = "admin,admin,1,system:masters\ntenant,tenant,2\n";

/// How long both may take to answer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Server {
    directory: tempfile::TempDir,
    programs: PathBuf,
    etcd_port: u16,
    port: u16,
    _etcd: Keeper,
    apiserver: Mutex<Option<Keeper>>,
}

struct Keeper(Child);

impl Keeper {
    fn start(log: &Path, command: &[String]) -> Self {
        let child = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(log)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        Self(child)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Server {
    /// Start both; the server answers when this returns.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let programs = programs();
        write_keys(directory.path());
        let [etcd_port, peer_port, port] = free_ports();
        let client = format!("http://127.0.0.1:{etcd_port}");
        let peer = format!("http://127.0.0.1:{peer_port}");
        let etcd = [
            "etcd".to_owned(),
            format!("--data-dir={}", directory.path().join("etcd").display()),
            "--unsafe-no-fsync".into(),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
        ];
        let etcd = Keeper::start(&directory.path().join("etcd.log"), &etcd);
        let server = Self {
            directory,
            programs,
            etcd_port,
            port,
            _etcd: etcd,
            apiserver: Mutex::new(None),
        };
        server.restart();
        server
    }

    /// Kill the API server and start it again; what it stored stays.
    pub(crate) fn restart(&self) {
        let mut apiserver = self
            .apiserver
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        drop(apiserver.take());
        *apiserver = Some(self.start_apiserver());
        drop(apiserver);
        self.wait_until_ready();
    }

    fn start_apiserver(&self) -> Keeper {
        let file = |name: &str| self.directory.path().join(name).display().to_string();
        let command = [
            self.programs.join("kube-apiserver").display().to_string(),
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            "--bind-address=127.0.0.1".into(),
            format!("--secure-port={}", self.port),
            // An address for documentation: nothing is ever sent there.
            "--advertise-address=192.0.2.1".into(),
            "--endpoint-reconciler-type=none".into(),
            format!("--tls-cert-file={}", file("server.crt")),
            format!("--tls-private-key-file={}", file("server.key")),
            format!("--token-auth-file={}", file("tokens.csv")),
            "--authorization-mode=RBAC".into(),
            "--service-cluster-ip-range=10.96.0.0/16".into(),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-key-file={}", file("accounts.pub")),
            format!(
                "--service-account-signing-key-file={}",
                file("accounts.key")
            ),
            // Nobody here makes service accounts.
            "--disable-admission-plugins=ServiceAccount".into(),
            "--enable-priority-and-fairness=false".into(),
            "--allow-privileged=true".into(),
        ];
        Keeper::start(&self.directory.path().join("apiserver.log"), &command)
    }

    fn wait_until_ready(&self) {
        let end = Instant::now() + PATIENCE;
        let client = super::api::connect(&self.address(), &self.authority());
        while super::api::ready(&client) != Some(true) {
            assert!(
                Instant::now() < end,
                "the API server is not ready:\n{}\n{}",
                tail(&self.directory.path().join("apiserver.log")),
                tail(&self.directory.path().join("etcd.log"))
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The certificate that its own was issued by, as PEM.
    pub(crate) fn authority(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("ca.crt")).expect("the certificate")
    }
}

/// Three that nobody listens on; no two servers of this process get the same. They lie below those
/// that the kernel gives to connections (32768 and up): a server that restarts must find its own
/// free.
fn free_ports() -> [u16; 3] {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let mut free = std::iter::repeat_with(|| {
        let next = std::process::id() * 31 + TAKEN.fetch_add(1, Ordering::Relaxed);
        20_000 + u16::try_from(next % 12_000).expect("below 12,000")
    })
    .take(12_000)
    .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    [(); 3].map(|()| free.next().expect("a port"))
}

fn tail(log: &Path) -> String {
    let mut text = String::new();
    if let Ok(mut file) = File::open(log) {
        let _ = file.read_to_string(&mut text);
    }
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// The folder with the mesh's programs; they are built where they are missing.
pub(crate) fn programs() -> PathBuf {
    let mesh = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mesh/mesh");
    let script = "eval \"$(\"$1\" env)\" && command -v kube-apiserver && command -v istioctl";
    let found = || {
        let output = Command::new("bash")
            .args(["-c", script, "programs"])
            .arg(&mesh)
            .output()
            .expect("bash runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output
            .status
            .success()
            .then(|| PathBuf::from(text.lines().next().unwrap_or_default()))
    };
    let program = found().or_else(|| {
        let built = Command::new(&mesh).arg("build").status();
        assert!(
            built.is_ok_and(|s| s.success()),
            "the parts of the mesh in a box are not built; see the lines above"
        );
        found()
    });
    let program = program.expect("kube-apiserver is one of the mesh's parts");
    program.parent().expect("a folder").to_path_buf()
}

fn write_keys(directory: &Path) {
    let write = |name: &str, text: String| {
        std::fs::write(directory.join(name), text).expect("the file is written");
    };
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority
        .self_signed(&authority_key)
        .expect("a certificate");
    write("ca.crt", certificate.pem());
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("a key");
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let server = CertificateParams::new(names).expect("parameters");
    let server = server.signed_by(&key, &issuer).expect("a certificate");
    write("server.crt", server.pem());
    write("server.key", key.serialize_pem());
    let accounts = KeyPair::generate().expect("a key");
    write("accounts.key", accounts.serialize_pem());
    write("accounts.pub", accounts.public_key_pem());
    write("tokens.csv", TOKENS.into());
}
