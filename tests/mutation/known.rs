//! Disagreements that are known, with the reason. The test counts them, and fails where they are
//! more than a few.

/// Origin and kind (`*` is any), and why doctor says something else than traffic.
const KNOWN: &[(&str, &str, &str)] = &[(
    "*",
    "client's hop: only for pods with another label",
    "sourceLabels that expressly ask for another workload may be meant: doctor warns, and names \
     the VirtualService",
)];

pub(crate) fn why(origin: &str, kind: &str) -> Option<&'static str> {
    let found = KNOWN
        .iter()
        .find(|(o, k, _)| (*o == "*" || *o == origin) && *k == kind)?;
    Some(found.2)
}
