//! `spec.syncPolicy`: what is done without a person.

use super::{Automated, Read, Reader};
use crate::yaml::Node;

const PATH: &str = "spec.syncPolicy";

/// Reads the key: what is done without a person, and whether the namespace is made.
pub(super) fn read(read: &Reader<'_>, node: &Node) -> Read<(Option<Automated>, bool)> {
    read.only(node, PATH, &["automated", "syncOptions"], |key| match key {
        "retry" => "a sync that failed is tried again by itself, within bounds; remove it",
        "managedNamespaceMetadata" => "put the Namespace with its labels among the manifests",
        _ => "remove it",
    })?;
    let automated = match node.get("automated").filter(|automated| !automated.is_null()) {
        None => None,
        Some(automated) => {
            let path = "spec.syncPolicy.automated";
            read.only(automated, path, &["enabled", "prune", "selfHeal", "allowEmpty"], |_| "remove it")?;
            let flag = |key| read.flag(automated, path, key);
            let is_off = automated.get("enabled").is_some_and(|enabled| !enabled.is_null()) && !flag("enabled")?;
            let automated = Automated { prune: flag("prune")?, self_heal: flag("selfHeal")?, allow_empty: flag("allowEmpty")? };
            (!is_off).then_some(automated)
        }
    };
    let mut create_namespace = false;
    for (place, option) in read.texts(node, PATH, "syncOptions")? {
        match option.as_str() {
            "CreateNamespace=true" => create_namespace = true,
            "CreateNamespace=false" => create_namespace = false,
            // what is removed is removed last, always
            "PruneLast=true" => {}
            other => return read.error(place, format!("the sync option `{other}` is not carried out; remove it")),
        }
    }
    Ok((automated, create_namespace))
}
