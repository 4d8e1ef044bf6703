//! What was seen outweighs what is inferred: a fault of the configuration on a path whose calls
//! were all seen to pass the gateway, with the host's own answer, breaks nothing now. It becomes a
//! warning that says when it would.

use super::engine::Case;
use super::finding::{Confidence, Effect, Finding, Severity};
use super::seen::pass_the_gateway;
use super::{Layer, registry};
use crate::snapshot::Snapshot;

/// Turn errors about paths that were seen to work into warnings; on other paths they stay errors.
pub fn weigh(snapshot: &Snapshot, cases: &[Case], findings: Vec<Finding>) -> Vec<Finding> {
    let works: Vec<bool> = cases
        .iter()
        .map(|case| pass_the_gateway(snapshot, case))
        .collect();
    let mut weighed = Vec::new();
    for mut finding in findings {
        if !can_be_contradicted(&finding) {
            weighed.push(finding);
            continue;
        }
        let (working, failing): (Vec<usize>, Vec<usize>) =
            finding.paths.iter().partition(|at| works[**at]);
        if !working.is_empty() {
            weighed.push(milder(&finding, working));
        }
        if !failing.is_empty() {
            finding.paths = failing;
            weighed.push(finding);
        }
    }
    weighed
}

/// An error that follows from a configuration, and says that calls fail or leave past the gateway.
/// What is open stays open, and what ends elsewhere ends there, whatever a call gets for an answer.
fn can_be_contradicted(finding: &Finding) -> bool {
    let layer = registry::find(finding.code.0).map_or(Layer::Intended, |check| check.layer);
    finding.severity == Severity::Error
        && finding.effect == Effect::Lost
        && layer != Layer::Observed
}

fn milder(finding: &Finding, paths: Vec<usize>) -> Finding {
    let when = match registry::find(finding.code.0).map(|check| check.layer) {
        Some(Layer::Programmed) => {
            "when the proxy starts again, or more of its connections need it"
        }
        _ => "when the proxies take it in: at the next change, or when one of them starts again",
    };
    Finding {
        severity: Severity::Warning,
        confidence: Confidence::Possible,
        message: format!(
            "{}. Nothing is broken now: calls were seen to pass the gateway and to get the host's \
             own answer. It would break {when}",
            finding.message.trim_end_matches('.')
        ),
        paths,
        ..finding.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Code;
    use super::*;
    use crate::model::Walk;
    use crate::model::trace::HopName;
    use crate::probe::{Answer, Observation, Observed, Passage};
    use crate::snapshot::Look;

    fn case(client: &str) -> Case {
        Case {
            path: crate::model::EgressPath {
                target: "api.example.com:443".parse().unwrap(),
                client: client.parse().unwrap(),
                pod: None,
            },
            walk: Walk::default(),
            programmed: Look::Unseen("not asked for".into()),
        }
    }

    fn call(case: &Case, passed: bool) -> Observation {
        let moved = crate::envoy::Moved {
            connections: u64::from(passed),
            ..crate::envoy::Moved::default()
        };
        let passage = Passage {
            answer: Answer {
                reached: passed,
                ..Answer::default()
            },
            sidecar_to_gateway: moved,
            gateway_to_host: moved,
            ..Passage::default()
        };
        Observation {
            target: case.path.target.clone(),
            from: Some(case.path.client.clone()),
            hop: HopName::Client,
            pod: String::new(),
            observed: Observed::Passage(passage),
        }
    }

    fn found(code: &'static str, paths: &[usize]) -> Finding {
        let mut finding = Finding::new(Code(code), HopName::Gateway, "It fails", "so it fails.");
        finding.paths = paths.to_vec();
        finding
    }

    #[test]
    fn a_fault_of_the_configuration_is_a_warning_where_calls_pass_and_an_error_where_not() {
        let cases = [case("a"), case("b")];
        let observations = vec![call(&cases[0], true), call(&cases[1], false)];
        let snapshot = Snapshot {
            observations,
            ..Snapshot::default()
        };
        let findings = vec![found("EG246", &[0, 1]), found("EG501", &[0])];
        let weighed = weigh(&snapshot, &cases, findings);
        let told: Vec<_> = weighed
            .iter()
            .map(|f| (f.code.0, f.severity, f.paths.as_slice()))
            .collect();
        assert_eq!(
            told,
            [
                ("EG246", Severity::Warning, [0].as_slice()),
                ("EG246", Severity::Error, [1].as_slice()),
                ("EG501", Severity::Error, [0].as_slice()),
            ]
        );
        assert!(
            weighed[0].message.contains("It would break when"),
            "{}",
            weighed[0].message
        );
        assert!(!weighed[0].breaks());
    }

    #[test]
    fn an_answer_that_may_be_anothers_or_a_refusal_is_no_proof() {
        let cases = [case("a")];
        let answers = [
            Answer {
                reached: true,
                trusted: Some(false),
                ..Answer::default()
            },
            Answer {
                reached: true,
                status: Some(400),
                ..Answer::default()
            },
        ];
        for answer in answers {
            let mut observation = call(&cases[0], true);
            if let Observed::Passage(passage) = &mut observation.observed {
                passage.answer = answer;
            }
            let snapshot = Snapshot {
                observations: vec![observation],
                ..Snapshot::default()
            };
            let weighed = weigh(&snapshot, &cases, vec![found("EG261", &[0])]);
            assert_eq!(weighed[0].severity, Severity::Error);
        }
    }

    #[test]
    fn a_connection_of_bytes_that_the_host_says_nothing_on_is_no_proof() {
        let mut cases = [case("a")];
        cases[0].path.target = "db.example.com:5432=tcp".parse().unwrap();
        for (said, severity) in [("", Severity::Error), ("5.7.1 ready", Severity::Warning)] {
            let mut observation = call(&cases[0], true);
            if let Observed::Passage(passage) = &mut observation.observed {
                passage.answer.raw = said.into();
            }
            let snapshot = Snapshot {
                observations: vec![observation],
                ..Snapshot::default()
            };
            let weighed = weigh(&snapshot, &cases, vec![found("EG232", &[0])]);
            assert_eq!(weighed[0].severity, severity);
        }
    }

    #[test]
    fn one_bad_call_of_several_is_no_proof() {
        let cases = [case("a")];
        let snapshot = Snapshot {
            observations: vec![call(&cases[0], true), call(&cases[0], false)],
            ..Snapshot::default()
        };
        let weighed = weigh(&snapshot, &cases, vec![found("EG246", &[0])]);
        assert_eq!(weighed[0].severity, Severity::Error);
    }
}
