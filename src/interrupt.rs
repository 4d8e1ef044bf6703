//! Ctrl-C, SIGTERM and SIGHUP: each asks to stop. A verb that writes hears it
//! between two requests and says what it had done; for one that only reads, or that computes and
//! does not hear, the process ends all the same.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::watch;

/// How many signals came.
static SIGNALS: LazyLock<watch::Sender<u32>> = LazyLock::new(|| watch::Sender::new(0));

/// How many of them somebody has answered to.
static HEARD: AtomicU32 = AtomicU32::new(0);

/// Listen from now on, on the runtime that this is called in. Before anything is printed: whoever
/// reads our first line may send a signal at once.
///
/// # Errors
/// Where the operating system takes no handler.
pub fn listen() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
            count(signal(kind)?);
        }
        if !is_hangup_ignored() {
            count(signal(SignalKind::hangup())?);
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(async {
        while tokio::signal::ctrl_c().await.is_ok() {
            SIGNALS.send_modify(|signals| *signals += 1);
        }
    });
    Ok(())
}

#[cfg(unix)]
fn count(mut signal: tokio::signal::unix::Signal) {
    tokio::spawn(async move {
        while signal.recv().await.is_some() {
            SIGNALS.send_modify(|signals| *signals += 1);
        }
    });
}

/// True under `nohup`, which a handler would undo. Where there is no /proc nobody can tell.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, 1)
}

/// Whether a process with this /proc/PID/status ignores a signal.
#[cfg(unix)]
fn ignores(status: &str, signal: u32) -> bool {
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// Wait until somebody asks us to stop; each signal is heard once.
pub async fn requested() {
    let mut signals = SIGNALS.subscribe();
    loop {
        let count = *signals.borrow_and_update();
        if HEARD.swap(count, SeqCst) < count {
            return;
        }
        if signals.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Wait until a signal came that nobody heard for so long: whoever should hear it is computing, or
/// waits for something that has no end.
pub async fn unheard_for(patience: Duration) {
    let mut signals = SIGNALS.subscribe();
    loop {
        if signals.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(patience).await;
        if HEARD.load(SeqCst) < *signals.borrow_and_update() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn nohup_is_told_by_the_mask_of_ignored_signals() {
        let status = |mask: &str| format!("Name:\tx\nSigIgn:\t{mask}\nSigCgt:\t0000000000000001\n");
        assert!(super::ignores(&status("0000000000001001"), 1));
        assert!(!super::ignores(&status("0000000000001000"), 1));
        assert!(!super::ignores("", 1));
    }
}
