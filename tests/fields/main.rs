//! The tables of `src/fields` against the definitions that the mesh serves: each field that Istio
//! has is in a table, each line of a table is for a field that Istio has, and what a table calls
//! modelled or noted is kept when an object is read.

#[path = "../traffic/mesh.rs"]
#[allow(dead_code, reason = "the traffic tests use more of it")]
mod mesh;
mod schema;
mod sources;

use kubectl_egress::fields::{KINDS, Standing, noted, of};
use kubectl_egress::kubernetes::{Kind, ObjectRef};
use kubectl_egress::snapshot::Objects;
use mesh::MESH;
use schema::{Leaf, leaves};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The fields of each of Istio's kinds, over all versions that are served.
fn served() -> BTreeMap<Kind, Vec<Leaf>> {
    let list = MESH.json(&["get", "customresourcedefinitions"]);
    let definitions = list["items"].as_array().expect("a list");
    let mut all = BTreeMap::new();
    for definition in definitions {
        let spec = &definition["spec"];
        let said = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (group, name) = (said(&spec["group"]), said(&spec["names"]["kind"]));
        if !group.ends_with(".istio.io") {
            continue;
        }
        let kind = Kind::find(&group, &name).unwrap_or_else(|| {
            panic!("{name} of {group} is a kind that this program does not know")
        });
        let versions = spec["versions"].as_array().expect("versions").iter();
        let mut fields: Vec<Leaf> = Vec::new();
        for version in versions.filter(|v| v["served"] == true) {
            let schema = &version["schema"]["openAPIV3Schema"]["properties"]["spec"];
            for leaf in leaves(schema) {
                if !fields.iter().any(|f| f.path == leaf.path) {
                    fields.push(leaf);
                }
            }
        }
        all.insert(kind, fields);
    }
    assert!(all.len() > 10, "the mesh serves only {:?}", all.keys());
    all
}

#[test]
fn every_field_that_is_served_has_a_standing() {
    let mut missing = Vec::new();
    for (kind, fields) in served() {
        let Some(table) = of(kind) else {
            missing.push(format!("{kind}: no table"));
            continue;
        };
        for leaf in fields {
            if table.find(&leaf.names(), leaf.only().as_deref()).is_none() {
                missing.push(format!("{kind} {}", leaf.path));
            }
        }
    }
    assert!(missing.is_empty(), "in no table:\n{}", missing.join("\n"));
}

#[test]
fn every_line_of_a_table_is_for_a_field_that_is_served() {
    let served = served();
    let mut strange = Vec::new();
    for (kind, table) in KINDS.iter() {
        let Some(fields) = served.get(kind) else {
            strange.push(format!("{kind}: the mesh does not serve it"));
            continue;
        };
        for line in &table.fields {
            let below = |leaf: &Leaf| match line.standing {
                Standing::Like(_) => schema::is_below(line.path, &leaf.names()),
                _ => line.covers(&leaf.names()),
            };
            if !fields.iter().any(below) {
                strange.push(format!("{kind} {}", line.path));
            }
        }
    }
    assert!(strange.is_empty(), "no such field:\n{}", strange.join("\n"));
}

/// An object with one field set is another one than without it, once it was read; and a noted field
/// is found in what was read.
#[test]
fn what_is_modelled_or_noted_is_kept_when_it_is_read() {
    let mut lost = Vec::new();
    for (kind, fields) in served() {
        let Some(table) = of(kind) else { continue };
        for leaf in fields {
            let only = table
                .find(&leaf.names(), None)
                .is_none()
                .then(|| leaf.only())
                .flatten();
            let Some(line) = table.find(&leaf.names(), only.as_deref()) else {
                continue;
            };
            let is_noted = matches!(line.standing, Standing::Noted(_) | Standing::Limits(_));
            let wanted = is_noted || matches!(line.standing, Standing::Modelled(_));
            if !wanted {
                continue;
            }
            match read(kind, &leaf) {
                Err(why) => lost.push(format!("{kind} {}: {why}", leaf.path)),
                Ok((without, with)) if without == with => {
                    lost.push(format!("{kind} {}: is dropped", leaf.path));
                }
                Ok((_, with)) => {
                    if is_noted && noted(table, &with["spec"]).is_empty() {
                        lost.push(format!("{kind} {}: is not noted", leaf.path));
                    }
                }
            }
        }
    }
    assert!(lost.is_empty(), "not kept:\n{}", lost.join("\n"));
}

/// An object as it is read without a field, and with it.
fn read(kind: Kind, leaf: &Leaf) -> Result<(Value, Value), String> {
    let spec = leaf.object();
    let empty = schema::emptied(&spec, &leaf.names());
    let one = |spec: &Value| {
        let mut objects = Objects::default();
        let object = json!({"metadata": {"name": "a", "namespace": "b"}, "spec": spec});
        objects.put(kind, object).map_err(|e| e.to_string())?;
        let named = ObjectRef::new(kind, "b", "a");
        objects
            .get(&named)
            .ok_or_else(|| "the kind is not read".to_owned())
    };
    Ok((one(&empty)?, one(&spec)?))
}
