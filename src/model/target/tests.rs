//! Targets and clients as they are typed.

use super::*;

#[test]
fn what_is_pasted_in_place_of_a_host_is_told_from_it() {
    for (text, words) in [
        (
            "https://a.com/x?y=1",
            "leave the scheme and the path away, and write a.com",
        ),
        ("http://a.com", "and write a.com:80"),
        ("https://bob:pw@a.com:8443/", "and write a.com:8443"),
        ("a.com/path", "leave it away, and write a.com"),
        ("user@a.com", "and write a.com"),
        ("a_b.com", "underscore"),
        ("0x7f.1", "neither a host name nor an address"),
        ("127.1", "neither a host name nor an address"),
        ("a.0xff", "neither a host name nor an address"),
        ("_", "underscore"),
        ("a..b", "is not a label of one"),
    ] {
        let error = text.parse::<Target>().unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
    assert!("_".parse::<Host>().is_err() && "a._.b".parse::<Host>().is_err());
}

#[test]
fn an_internationalised_name_is_its_ascii_form() {
    for (text, host) in [
        ("M\u{fc}nchen.example", "xn--mnchen-3ya.example"),
        ("*.m\u{fc}nchen.example", "*.xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("\u{4f8b}\u{3048}.jp:80", "xn--r8jz45g.jp"),
    ] {
        let target = text.parse::<Target>();
        assert_eq!(target.unwrap().host.text(), host, "{text}");
    }
    assert!("\u{202e}evil.com".parse::<Host>().is_err());
}

#[test]
fn targets_take_port_and_protocol_from_each_other() {
    for (text, want) in [
        ("edition.cnn.com", "edition.cnn.com:443 tls"),
        ("edition.cnn.com:80", "edition.cnn.com:80 http"),
        ("Edition.CNN.com.:443", "edition.cnn.com:443 tls"),
        ("edition.cnn.com=http", "edition.cnn.com:80 http"),
        ("db.example.com:5432=tcp", "db.example.com:5432 tcp"),
        ("*.wikipedia.org", "*.wikipedia.org:443 tls"),
        ("[2001:db8::1]:443", "[2001:db8::1]:443 tls"),
    ] {
        let target: Target = text.parse().unwrap();
        assert_eq!(
            format!("{target} {}", target.protocol.name()),
            want,
            "{text}"
        );
    }
}

#[test]
fn what_is_no_target_is_refused_with_the_reason() {
    for (text, reason) in [
        ("db.example.com:5432", "what does db.example.com speak"),
        ("db.example.com=tcp", "needs a port"),
        ("a..b", "is not a label"),
        ("*", "is not a label"),
        ("x:99999", "is not a port"),
        ("https://edition.cnn.com", "is a URL"),
        ("edition.cnn.com:443=smtp", "is not a protocol"),
        ("1.2.3", "neither a host name nor an address"),
        ("", "is not a host name"),
    ] {
        let error = text.parse::<Target>().unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn clients_name_a_namespace_and_maybe_a_workload() {
    assert_eq!(
        "team-a/deploy/sleep".parse::<Client>().unwrap().to_string(),
        "team-a/deploy/sleep"
    );
    assert_eq!(
        "team-a/sleep".parse::<Client>().unwrap().to_string(),
        "team-a/deploy/sleep"
    );
    assert_eq!("team-a".parse::<Client>().unwrap().to_string(), "team-a");
    for wrong in ["", "Team", "a/b/c/d", "a/cronjob/x", "a/deploy/"] {
        assert!(wrong.parse::<Client>().is_err(), "{wrong}");
    }
}
