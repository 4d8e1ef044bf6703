//! Who does it, when and by which command: for the inventory.

use crate::cli::Invocation;
use crate::cluster::Cluster;
use crate::plan::Stamp;

/// The stamp of this run.
pub(crate) async fn stamp(cluster: &Cluster) -> Stamp {
    Stamp {
        who: cluster.user().await,
        when: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        command: command_line(std::env::args()),
    }
}

/// Flags whose value is a secret.
const SECRET: &str = "--token";

/// As it could be typed again, in the words that the program was called by. A token is left out:
/// what this goes into is read by others.
fn command_line(mut arguments: impl Iterator<Item = String>) -> String {
    let called = arguments.next().map(Into::into);
    let mut words = vec![Invocation::of(called.as_ref()).words()];
    let mut hides_next = false;
    for argument in arguments {
        let hidden = std::mem::replace(&mut hides_next, argument == SECRET);
        let inline = argument.starts_with(&format!("{SECRET}="));
        words.push(match () {
            () if hidden => "REDACTED".into(),
            () if inline => format!("{SECRET}=REDACTED"),
            () => quoted(&argument),
        });
    }
    words.join(" ")
}

/// For a POSIX shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_typed_again_and_holds_no_token() {
        for (arguments, line) in [
            (
                &["kubectl-egress", "setup", "a.com"][..],
                "kubectl egress setup a.com",
            ),
            (
                &["/x/kubectl-istio_egress", "cleanup", "*.a.com", "it's", ""],
                r"kubectl istio-egress cleanup '*.a.com' 'it'\''s' ''",
            ),
            (
                &[
                    "kubectl-egress",
                    "--token",
                    "s3cr3t",
                    "setup",
                    "--token=s3cr3t",
                ],
                "kubectl egress --token REDACTED setup --token=REDACTED",
            ),
        ] {
            let arguments = arguments.iter().map(|word| (*word).to_owned());
            assert_eq!(command_line(arguments), line);
        }
    }
}
