//! What lint looks at of an object, as Go reads it into its struct.

use std::collections::BTreeMap;

use super::draft::{At, Decoded, field, object as object_of};
use crate::value::Data;

/// The head of an object.
#[derive(Debug, Default)]
pub(crate) struct Object {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// Reads an object; nothing where there is nothing.
pub(crate) fn object(document: &Data) -> Decoded<Option<Object>> {
    let Some(table) = object_of(document, "rules.K8sYamlStruct", At::TOP)? else { return Ok(None) };
    let (at, inner) = (At::of("K8sYamlStruct"), At::of("k8sYamlMetadata").below("Metadata."));
    let mut object = Object::default();
    for (key, value) in table {
        match field(key, &["apiVersion", "Kind", "Metadata"]) {
            "apiVersion" => at.field("apiVersion").text(value, &mut object.api_version)?,
            "Kind" => at.field("Kind").text(value, &mut object.kind)?,
            "Metadata" => {
                let metadata = at.field("Metadata").table(value, "rules.k8sYamlMetadata")?;
                for (key, value) in metadata.into_iter().flatten() {
                    match field(key, &["Namespace", "Name"]) {
                        "Name" => inner.field("Name").text(value, &mut object.name)?,
                        "Namespace" => inner.field("Namespace").text(value, &mut String::new())?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Some(object))
}

/// The annotations of each item of a list.
pub(crate) fn annotations_of_items(document: &Data) -> Decoded<Vec<BTreeMap<String, String>>> {
    const METADATA: &str = "struct { Annotations map[string]string }";
    let item_type = format!("struct {{ Metadata {METADATA} }}");
    let at = At::of("").field("Items");
    let mut found = Vec::new();
    let table = object_of(document, &format!("struct {{ Items []{item_type} }}"), At::TOP)?;
    for (_, value) in table.into_iter().flatten().filter(|(key, _)| field(key, &["Items"]) == "Items") {
        let items = match value {
            Data::List(items) => items.as_slice(),
            Data::Null => &[],
            other => return at.refuse(other, &format!("[]{item_type}")),
        };
        found.resize(items.len(), BTreeMap::new());
        for (item, into) in items.iter().zip(&mut found) {
            for (_, metadata) in
                at.table(item, &item_type)?.into_iter().flatten().filter(|(key, _)| field(key, &["Metadata"]) == "Metadata")
            {
                let metadata = at.below("Items.").field("Metadata").table(metadata, METADATA)?;
                for (_, pairs) in metadata.into_iter().flatten().filter(|(key, _)| field(key, &["Annotations"]) == "Annotations") {
                    at.below("Items.Metadata.").field("Annotations").pairs(pairs, into)?;
                }
            }
        }
    }
    Ok(found)
}
