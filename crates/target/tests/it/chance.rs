//! Random objects of Kubernetes' own kinds, small and alike, so that what is compared often meets.

use serde_json::{Map, Value, json};

/// Numbers that follow from a seed (splitmix64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

struct Field {
    name: String,
    shape: String,
    key: String,
}

/// The table of Kubernetes' types, read for what an object can have.
pub(crate) struct Objects {
    structs: Vec<(String, Vec<Field>)>,
    kinds: Vec<(String, String, String)>,
}

/// Kinds that charts are made of are drawn as often as all others together.
const USUAL: &[&str] = &[
    "Deployment",
    "Service",
    "ConfigMap",
    "StatefulSet",
    "Pod",
    "Ingress",
    "Job",
    "CronJob",
    "DaemonSet",
    "PersistentVolumeClaim",
    "ServiceAccount",
];

impl Objects {
    pub(crate) fn read(table: &str) -> Self {
        let (structs, kinds) = table.split_once("\n\n").unwrap();
        let fields = |line: &str| {
            let field = |word: &str| {
                let parts: Vec<&str> = word.split(':').collect();
                Field { name: parts[0].into(), shape: parts[1].into(), key: parts.get(3).copied().unwrap_or_default().into() }
            };
            let mut words = line.split(' ');
            (words.next().unwrap().to_owned(), words.map(field).collect())
        };
        let kind = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            (words[0].to_owned(), words[1].to_owned(), words[2].to_owned())
        };
        Self { structs: structs.lines().map(fields).collect(), kinds: kinds.lines().map(kind).collect() }
    }

    pub(crate) fn kind(&self, chance: &mut Chance) -> (String, String) {
        let usual = chance.one_in(2);
        loop {
            let (version, kind, _) = chance.pick(&self.kinds);
            if !usual || USUAL.contains(&kind.as_str()) {
                return (version.clone(), kind.clone());
            }
        }
    }

    pub(crate) fn object(&self, chance: &mut Chance, version: &str, kind: &str) -> Value {
        let shape = &self.kinds.iter().find(|(v, k, _)| v == version && k == kind).unwrap().2;
        let mut value = self.value(chance, shape, 0, "");
        value["apiVersion"] = json!(version);
        value["kind"] = json!(kind);
        if !value["metadata"].is_object() {
            value["metadata"] = json!({});
        }
        value["metadata"]["name"] = json!("web");
        value
    }

    fn value(&self, chance: &mut Chance, shape: &str, depth: usize, key: &str) -> Value {
        let shape = shape.trim_start_matches('*');
        if let Some(element) = shape.strip_prefix('[') {
            let longest = if chance.one_in(8) { 7 } else { 4 };
            let count = if depth > 9 { 0 } else { chance.below(longest) };
            return (0..count).map(|_| self.value(chance, element, depth + 1, key)).collect();
        }
        if let Some(to) = shape.strip_prefix('{') {
            return (0..chance.below(4))
                .map(|_| (chance.pick(&["a", "b", "c"]).to_string(), self.value(chance, to, depth + 1, "")))
                .collect();
        }
        let Some((name, fields)) = shape.parse::<usize>().ok().map(|at| &self.structs[at]) else { return scalar_of(chance, shape) };
        if depth > 0 && chance.one_in(400) {
            return scalar(chance);
        }
        match name.as_str() {
            "Quantity" => json!(chance.pick(&["100m", "1Gi", "0.5"])),
            "Time" | "MicroTime" => json!(chance.pick(&["2026-01-31T16:47:55Z", "2026-01-31T16:47:55.000001Z"])),
            "IntOrString" => chance.pick(&[json!(80), json!("25%"), json!("http")]).clone(),
            "RawExtension" | "FieldsV1" | "JSON" => json!({chance.pick(&["a", "b"]).to_string(): scalar(chance)}),
            "JSONSchemaPropsOrBool" => json!(chance.one_in(2)),
            _ if name.starts_with("JSONSchemaPropsOr") => json!({"type": "a"}),
            _ => self.fields(chance, fields, depth, key),
        }
    }

    fn fields(&self, chance: &mut Chance, fields: &[Field], depth: usize, key: &str) -> Value {
        let mut object = Map::new();
        let nested: Vec<&Field> = fields.iter().filter(|field| field.shape.contains(|c: char| c.is_ascii_digit() || c == '[')).collect();
        for _ in 0..if fields.is_empty() { 0 } else { 1 + chance.below(5) } {
            // what holds more is more telling than a scalar, down to where it must end
            let field = if depth < 9 && !nested.is_empty() && !chance.one_in(3) { *chance.pick(&nested) } else { chance.pick(fields) };
            if field.name != "status" || chance.one_in(6) {
                object.insert(field.name.clone(), self.value(chance, &field.shape, depth + 1, &field.key));
            }
        }
        for always in ["spec", "template", "containers", "rules", "ports"] {
            if let Some(field) = fields.iter().find(|field| field.name == always).filter(|_| depth < 9) {
                object.insert(field.name.clone(), self.value(chance, &field.shape, depth + 1, &field.key));
            }
        }
        if let Some(field) = fields.iter().find(|field| field.name == key).filter(|_| !chance.one_in(150)) {
            object.insert(key.to_owned(), scalar_of(chance, field.shape.trim_start_matches('*')));
        }
        Value::Object(object)
    }

    /// The same object after some hand went over it.
    pub(crate) fn changed(&self, chance: &mut Chance, object: &Value, version: &str, kind: &str) -> Value {
        if chance.one_in(12) {
            return self.object(chance, version, kind);
        }
        let other = self.object(chance, version, kind);
        let mut changed = object.clone();
        for _ in 0..chance.below(5) {
            change(chance, &mut changed, &other);
        }
        if chance.one_in(4) {
            graft(chance, &mut changed, &other);
        }
        for (name, value) in [("apiVersion", version), ("kind", kind)] {
            changed[name] = json!(value);
        }
        if !changed["metadata"].is_object() {
            changed["metadata"] = json!({});
        }
        changed
    }
}

fn scalar(chance: &mut Chance) -> Value {
    match chance.below(8) {
        0 => json!(chance.below(3)),
        1 => json!(chance.one_in(2)),
        2 => json!(1.5),
        _ => json!(chance.pick(&["a", "b", "c"])),
    }
}

fn scalar_of(chance: &mut Chance, shape: &str) -> Value {
    match shape {
        "string" => json!(chance.pick(&["a", "b", "c", "d", "10", "9"])),
        "bool" => json!(chance.one_in(2)),
        "int32" | "int64" | "uint8" => json!(*chance.pick(&[80, 81, 9, 100, 0])),
        "float64" => json!(1.5),
        _ => scalar(chance),
    }
}

/// Changes one place of a value: goes down at random, and there takes away, adds, moves, doubles or replaces.
fn change(chance: &mut Chance, value: &mut Value, other: &Value) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let keys: Vec<String> = map.keys().cloned().collect();
            let key = chance.pick(&keys).clone();
            match chance.below(12) {
                0 => drop(map.shift_remove(&key)),
                1 if chance.one_in(4) => drop(map.insert(key, Value::Null)),
                2 if chance.one_in(20) => drop(map.insert(key, scalar(chance))),
                3 => drop(map.insert(chance.pick(&["a", "b", "unknown"]).to_string(), json!("new"))),
                _ => change(chance, map.get_mut(&key).unwrap(), other.get(&key).unwrap_or(&Value::Null)),
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let at = chance.below(list.len());
            match chance.below(8) {
                0 => drop(list.remove(at)),
                1 => list.reverse(),
                2 => list.rotate_left(at),
                3 if chance.one_in(3) => list.push(list[at].clone()),
                4 => list.extend(other.as_array().into_iter().flatten().cloned()),
                _ => change(chance, &mut list[at], other.get(at).unwrap_or(&Value::Null)),
            }
        }
        other if chance.one_in(20) => *other = scalar(chance),
        Value::String(text) => *text = chance.pick(&["a", "b", "c", "10"]).to_string(),
        Value::Bool(flag) => *flag = !*flag,
        Value::Number(_) => *value = json!(*chance.pick(&[80, 81, 9])),
        _ => {}
    }
}

/// Takes fields over from another object where it has more.
fn graft(chance: &mut Chance, value: &mut Value, other: &Value) {
    if let (Value::Object(map), Value::Object(other)) = (value, other) {
        for (key, value) in other {
            match map.get_mut(key) {
                Some(own) => graft(chance, own, value),
                None if chance.one_in(2) => drop(map.insert(key.clone(), value.clone())),
                None => {}
            }
        }
    }
}
