//! What is wrong with a YAML file, in our words and with its line. The parser's own are for whoever
//! wrote the program: a picture of the file, and names of its settings.

use crate::error::Error;
use serde_saphyr::Error as Yaml;

/// The error for a file that cannot be read: `FILE:LINE: what is wrong`.
pub fn unreadable(path: &str, error: &Yaml) -> Error {
    let line = error
        .location()
        .map(|at| at.line())
        .filter(|line| *line > 0);
    Error::Input {
        path: line.map_or_else(|| path.to_owned(), |line| format!("{path}:{line}")),
        reason: words(error),
    }
}

/// What is wrong, without its place.
pub fn words(error: &Yaml) -> String {
    match error.without_snippet() {
        Yaml::Eof { .. } => "it is empty, or ends too early".into(),
        Yaml::InvalidUtf8Input => "this is not text".into(),
        Yaml::MultipleDocuments { .. } => "one document is expected, and there is a second".into(),
        Yaml::DuplicateMappingKey { key: Some(key), .. } => format!("{key} is there twice"),
        Yaml::DuplicateMappingKey { key: None, .. } => "a key is there twice".into(),
        Yaml::SerdeUnknownField {
            field, expected, ..
        } => unknown("field", field, expected),
        Yaml::SerdeUnknownVariant {
            variant, expected, ..
        } => unknown("value", variant, expected),
        Yaml::SerdeMissingField { field, .. } => format!("{field} is missing"),
        Yaml::SerdeInvalidType {
            unexpected,
            expected,
            ..
        }
        | Yaml::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => format!("{expected} is expected, and not {unexpected}"),
        Yaml::Unexpected { expected, .. } => format!("{expected} is expected here"),
        Yaml::UnknownAnchor { .. } => "an alias names an anchor that is not there".into(),
        Yaml::RecursiveReferencesRequireWeakTypes { .. } => "an anchor contains itself".into(),
        Yaml::Budget { .. }
        | Yaml::AliasReplayLimitExceeded { .. }
        | Yaml::AliasExpansionLimitExceeded { .. }
        | Yaml::AliasReplayStackDepthExceeded { .. }
        | Yaml::AliasReplayCounterOverflow { .. } => {
            "it is too large, or nested too deeply, to be read".into()
        }
        Yaml::AliasError { error, .. } => words(error),
        Yaml::InvalidScalar { ty, .. } => format!("{ty} is expected here"),
        other => plain(&other.to_string()),
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|word| (strsim::osa_distance(word, name), word))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    match nearest {
        Some((_, word)) => format!("there is no {what} {name} here: did you mean {word}?"),
        None => format!(
            "there is no {what} {name} here: known are {}",
            known.join(", ")
        ),
    }
}

/// The first line of what the parser says, without the place that it puts before it.
fn plain(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.trim_start_matches("error: ");
    let said = line
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "))
        .map_or(line, |(_, said)| said);
    let said = said.split(" at line ").next().unwrap_or(said);
    match said {
        "recursion limit exceeded" => "it is nested too deeply to be read".into(),
        "" => "this is not YAML".into(),
        other => format!("this is not YAML: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)] // only read to fail
    struct File {
        hosts: Vec<String>,
        port: Option<u16>,
    }

    #[test]
    fn each_fault_is_one_line_with_its_place_and_no_word_of_the_parser() {
        let deep = "[".repeat(20_000);
        let bomb = (0..9).fold(
            "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(),
            |text, n| {
                let nine = vec![format!("*a{n}"); 9].join(", ");
                text + &format!("a{}: &a{} [{nine}]\n", n + 1, n + 1)
            },
        );
        for (text, words) in [
            ("", "f:1: it is empty"),
            (
                "hosts: [a]\nhost: b",
                "f:2: there is no field host here: did you mean hosts?",
            ),
            (
                "hosts: [a]\nzebra: b",
                "f:2: there is no field zebra here: known are hosts, port",
            ),
            ("hosts: [a]\nhosts: [b]", "f:2: hosts is there twice"),
            ("port: 1", "hosts is missing"),
            ("hosts: [a]\nport: -1", "f:2: "),
            ("hosts: [a]\n---\nhosts: [b]", "one document is expected"),
            (
                "hosts: *nobody",
                "an alias names an anchor that is not there",
            ),
            ("hosts: [a\n\tb", "f:"),
            (&deep, "nested too deeply"),
            (&bomb, ""),
        ] {
            let error = serde_saphyr::from_str::<File>(text).expect_err(text);
            let said = unreadable("f", &error).to_string();
            let said = said.strip_prefix("cannot read ").unwrap_or(&said);
            let shown: String = text.chars().take(40).collect();
            assert!(said.contains(words), "{shown:?}: {said}");
            for foreign in [
                "\n",
                "DuplicateKeyPolicy",
                "from_str",
                "budget",
                "untagged",
                " | ",
            ] {
                assert!(!said.contains(foreign), "{shown:?}: {said}");
            }
        }
    }

    #[test]
    fn too_much_is_said_of_too_much() {
        let bomb = (0..9).fold(
            "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(),
            |text, n| {
                let nine = vec![format!("*a{n}"); 9].join(", ");
                text + &format!("a{}: &a{} [{nine}]\n", n + 1, n + 1)
            },
        );
        let error = serde_saphyr::from_str::<serde_json::Value>(&bomb).expect_err("a bomb");
        assert!(words(&error).contains("too large"), "{}", words(&error));
    }
}
