//! Host names with wildcards, compared as istiod compares them.
//!
//! Source: pkg/config/host/name.go, pilot/pkg/model/config.go (`MostSpecificHostMatch`).

/// Whether it begins with `*`.
pub fn is_wild(host: &str) -> bool {
    host.starts_with('*')
}

/// Whether the two have a name in common; either may be a wildcard.
pub fn overlap(a: &str, b: &str) -> bool {
    match (a.strip_prefix('*'), b.strip_prefix('*')) {
        (None, None) => a == b,
        (Some(suffix), None) => b.ends_with(suffix),
        (None, Some(suffix)) => a.ends_with(suffix),
        (Some(x), Some(y)) => x.ends_with(y) || y.ends_with(x),
    }
}

/// Whether every name of `host` is also one of `wider`.
pub fn within(host: &str, wider: &str) -> bool {
    match (host.strip_prefix('*'), wider.strip_prefix('*')) {
        (None, None) => host == wider,
        (Some(_), None) => false,
        (None, Some(suffix)) => host.ends_with(suffix),
        (Some(x), Some(y)) => x.len() >= y.len() && x.ends_with(y),
    }
}

/// Of some hosts the one that fits best: itself, else the longest wildcard that holds it.
pub fn most_specific<'h>(host: &str, among: impl Iterator<Item = &'h str>) -> Option<&'h str> {
    among
        .filter(|h| *h == host || (is_wild(h) && within(host, h)))
        .max_by_key(|h| (*h == host, h.len()))
}

/// A short name of a Service, completed with the namespace of the object that says it. A name with
/// a dot is whole.
pub fn complete(host: &str, namespace: &str, domain: &str) -> String {
    let lower = host.to_ascii_lowercase();
    if lower.is_empty() || lower.contains('.') || is_wild(&lower) {
        return lower;
    }
    format!("{lower}.{namespace}.svc.{domain}")
}

/// Names as short as this are a slip or two away from many others.
const SHORTEST: usize = 8;

/// Words that tell regions and zones apart.
const COMPASS: [&str; 9] = [
    "north",
    "south",
    "east",
    "west",
    "central",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
];

/// Whether one name looks like a slip of the other: a letter or two. Names that differ in numbers,
/// or in points of the compass, are meant to differ (`sqs.eu-west-1` and `sqs.eu-west-2`).
pub fn is_typo(a: &str, b: &str) -> bool {
    if a == b || a.len().min(b.len()) < SHORTEST || typing_distance(a, b) > 2 {
        return false;
    }
    let words =
        |name: &str| -> Vec<String> { name.split(['.', '-', '_']).map(str::to_owned).collect() };
    let (a, b) = (words(a), words(b));
    if a.len() != b.len() {
        return true;
    }
    let letters = |word: &str| {
        word.trim_end_matches(|c: char| c.is_ascii_digit())
            .to_owned()
    };
    let on_purpose = |(a, b): (&String, &String)| {
        let numbers = letters(a) == letters(b);
        let compass =
            COMPASS.contains(&letters(a).as_str()) && COMPASS.contains(&letters(b).as_str());
        numbers || compass
    };
    !a.iter().zip(&b).filter(|(a, b)| a != b).all(on_purpose)
}

/// How many letters must be changed, added, dropped or swapped with their neighbour to get from one
/// name to the other.
pub fn typing_distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_a_neighbour() {
        for (a, b, slip) in [
            ("edition.cnn.com", "editoin.cnn.com", true),
            ("api.example.com", "api.exmple.com", true),
            (
                "sqs.eu-west-1.example.com",
                "sqs.eu-west-2.example.com",
                false,
            ),
            (
                "sqs.us-east-1.example.com",
                "sqs.us-west-1.example.com",
                false,
            ),
            ("node1.example.com", "node12.example.com", false),
            ("eu-west-1.example.com", "eu-wset-1.example.com", true),
            ("a.b.com", "a.c.com", false),
            ("edition.cnn.com", "edition.cnn.com", false),
        ] {
            assert_eq!(is_typo(a, b), slip, "{a} {b}");
        }
    }

    #[test]
    fn wildcards_overlap_and_contain_as_istiod_has_it() {
        assert!(
            overlap("*.example.com", "api.example.com")
                && overlap("api.example.com", "*.example.com")
        );
        assert!(overlap("*", "a.b") && overlap("*.com", "*.example.com"));
        assert!(!overlap("*.example.com", "example.com"));
        assert!(within("api.example.com", "*.example.com") && !within("*.com", "*.example.com"));
        assert!(!within("*.example.com", "api.example.com"));
    }

    #[test]
    fn the_longest_wildcard_wins_after_the_name_itself() {
        let all = ["*", "*.com", "*.example.com", "api.example.com"];
        assert_eq!(
            most_specific("api.example.com", all.into_iter()),
            Some("api.example.com")
        );
        assert_eq!(
            most_specific("db.example.com", all.into_iter()),
            Some("*.example.com")
        );
        assert_eq!(most_specific("x.org", all.into_iter()), Some("*"));
    }

    #[test]
    fn a_slip_of_the_finger_is_one_step_away() {
        assert_eq!(typing_distance("editon.cnn.com", "edition.cnn.com"), 1);
        assert_eq!(typing_distance("edtiion.cnn.com", "edition.cnn.com"), 1);
        assert_eq!(typing_distance("a", "abc"), 2);
    }
}
