//! Python, with a thread for one direction and an alarm that ends it.

use super::{BytePipe, words};

const SCRIPT: &str = r"
import os, signal, socket, sys, threading
host, port, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
signal.alarm(seconds)
try:
    s = socket.create_connection((host, port))
except OSError as e:
    sys.exit(str(e))
def up():
    while True:
        data = os.read(0, 65536)
        if not data:
            os._exit(0)
        s.sendall(data)
threading.Thread(target=up, daemon=True).start()
while True:
    try:
        data = s.recv(65536)
    except OSError as e:
        sys.stderr.write(str(e))
        sys.stderr.flush()
        os._exit(1)
    if not data:
        os._exit(0)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
";

pub(super) const PIPE: BytePipe = BytePipe {
    name: "python3",
    starts_tls: false,
    command: |_, (host, port, seconds)| {
        words([
            "python3",
            "-c",
            SCRIPT,
            host,
            &port.to_string(),
            &seconds.to_string(),
        ])
    },
};
