//! The moment in which a live host changes its way to the gateway: old and new way are there at
//! once, so that no connection meets a gateway that knows only the other one.

use serde_json::Value;

/// Lists of which each entry serves a way of its own.
const LISTS: &[&str] = &[
    "/spec/servers",
    "/spec/subsets",
    "/spec/http",
    "/spec/tls",
    "/spec/tcp",
];

/// The object as it is wanted, with what the live one has besides.
pub fn bridge(wanted: &Value, live: &Value) -> Value {
    let mut both = wanted.clone();
    for pointer in LISTS {
        let Some(old) = live.pointer(pointer).and_then(Value::as_array) else {
            continue;
        };
        let Some(spec) = both.get_mut("spec").and_then(Value::as_object_mut) else {
            continue;
        };
        let list = spec
            .entry(pointer.trim_start_matches("/spec/"))
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Some(list) = list.as_array_mut() {
            let more: Vec<Value> = old
                .iter()
                .filter(|entry| !list.contains(entry))
                .cloned()
                .collect();
            list.extend(more);
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_ways_are_there_and_the_new_one_comes_first() {
        let wanted = json!({"spec": {"servers": [{"port": 15443}], "tcp": ["c"]}});
        let live = json!({"spec": {"servers": [{"port": 443}, {"port": 15443}], "tls": ["a"]}});
        let both = json!({"spec": {"servers": [{"port": 15443}, {"port": 443}], "tcp": ["c"], "tls": ["a"]}});
        assert_eq!(bridge(&wanted, &live), both);
        assert_eq!(bridge(&both, &both), both);
    }
}
