//! Disagreements that are known, with the reason. The test counts them, and fails where they are
//! more than a few.

/// Origin (`*` is any), a part of the kind's name, and why doctor says something else than traffic.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "*",
        "client's hop: only for pods with another label",
        "sourceLabels that expressly ask for another workload may be meant: doctor warns, and \
         names the VirtualService",
    ),
    (
        "*",
        "match[].sourceLabels is",
        "as above: another workload may be meant",
    ),
    (
        "*",
        "maxConnections is 1",
        "doctor calls one after the other, which stays below the limit; it warns (EG238)",
    ),
];

pub(crate) fn why(origin: &str, kind: &str) -> Option<&'static str> {
    let found = KNOWN
        .iter()
        .find(|(o, k, _)| (*o == "*" || *o == origin) && kind.contains(k))?;
    Some(found.2)
}
