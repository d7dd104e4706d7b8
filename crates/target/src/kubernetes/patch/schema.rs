//! How each field of a built-in kind is patched.
//!
//! The table beside this file is what the tags of Kubernetes' Go types say (k8s.io/api 0.33.2, the one that Helm 3.18 links): a line for
//! each struct, then a line for each kind. It is in the program, so that a patch is the same wherever it is made and no
//! server has to be asked. `oracle schema` prints it.

use std::collections::HashMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("schema.txt");

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::read(TABLE));

/// A Go type, as far as patching asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape(&'static str);

/// What the tags of a field say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// What the field's patch does to what is there.
    pub(super) strategy: Strategy,
    /// A patch names all keys that are to stay.
    pub(super) retain_keys: bool,
    /// By which key elements of a list are the same; empty for lists of scalars.
    pub(super) merge_key: &'static str,
}

/// What a field's patch does to what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Strategy {
    /// Objects are merged, lists replaced.
    #[default]
    Unsaid,
    /// Lists are merged, too.
    Merge,
    /// Objects are replaced, too.
    Replace,
}

struct Struct {
    name: &'static str,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    shape: Shape,
    way: Way,
}

struct Schema {
    structs: Vec<Struct>,
    kinds: HashMap<(&'static str, &'static str), Shape>,
}

impl Schema {
    fn read(table: &'static str) -> Self {
        let (structs, kinds) = table.split_once("\n\n").unwrap_or((table, ""));
        let kinds = kinds.lines().filter_map(|line| {
            let mut words = line.split(' ');
            Some(((words.next()?, words.next()?), Shape(words.next()?)))
        });
        Self { structs: structs.lines().map(Struct::read).collect(), kinds: kinds.collect() }
    }
}

impl Struct {
    fn read(line: &'static str) -> Self {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default();
        Self { name, fields: words.filter_map(Field::read).collect() }
    }

    /// The field that Go's JSON would fill: the one of that name, else the first that differs in case alone.
    fn field(&self, name: &str) -> Option<&Field> {
        let exact = self.fields.iter().find(|field| field.name == name);
        exact.or_else(|| self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)))
    }
}

impl Field {
    fn read(word: &'static str) -> Option<Self> {
        let mut parts = word.split(':');
        let (name, shape) = (parts.next()?, Shape(parts.next()?));
        let mut way = Way::default();
        for strategy in parts.next().unwrap_or_default().split(',') {
            match strategy {
                "retainKeys" => way.retain_keys = true,
                "merge" => way.strategy = Strategy::Merge,
                "replace" => way.strategy = Strategy::Replace,
                _ => {}
            }
        }
        way.merge_key = parts.next().unwrap_or_default();
        Some(Self { name, shape, way })
    }
}

impl Shape {
    /// A kind's own type; `None` for what is not Kubernetes' own.
    pub(super) fn of_kind(api_version: &str, kind: &str) -> Option<Self> {
        SCHEMA.kinds.get(&(api_version, kind)).copied()
    }

    /// Go's word for what kind of type it is.
    pub(super) fn go_kind(self) -> &'static str {
        match self.0.as_bytes().first() {
            Some(b'*') => "ptr",
            Some(b'[') => "slice",
            Some(b'{') => "map",
            Some(b'0'..=b'9') => "struct",
            _ => self.0,
        }
    }

    fn pointed(self) -> Self {
        Self(self.0.strip_prefix('*').unwrap_or(self.0))
    }

    pub(super) fn pointed_to(self) -> Option<Self> {
        self.0.strip_prefix('*').map(Self)
    }

    pub(super) fn element(self) -> Option<Self> {
        self.0.strip_prefix('[').map(Self)
    }

    /// What a map maps to.
    pub(super) fn mapped(self) -> Option<Self> {
        self.0.strip_prefix('{').map(Self)
    }

    /// A struct's name in Go.
    pub(super) fn struct_name(self) -> Option<&'static str> {
        self.as_struct().map(|of| of.name)
    }

    /// A struct's fields: their names and types.
    pub(super) fn fields(self) -> impl Iterator<Item = (&'static str, Self)> {
        self.as_struct().into_iter().flat_map(|of| of.fields.iter().map(|field| (field.name, field.shape)))
    }

    fn as_struct(self) -> Option<&'static Struct> {
        self.0.parse().ok().and_then(|at: usize| SCHEMA.structs.get(at))
    }

    /// A field that holds an object, and how it is patched.
    pub(super) fn field(self, key: &str) -> Result<(Self, Way), String> {
        let to = self.pointed();
        let Some(of) = to.as_struct() else {
            return Err(format!("merging an object in json but data type is not struct, instead is: {}", to.go_kind()));
        };
        match of.field(key) {
            Some(field) => Ok((field.shape, field.way)),
            None => Err(format!("unable to find api field in struct {} for the json field {key:?}", of.name)),
        }
    }

    /// The elements of a field that holds a list, and how it is patched.
    pub(super) fn list(self, key: &str) -> Result<(Self, Way), String> {
        let (shape, way) = self.field(key)?;
        if let Some(element) = shape.element() {
            return if element.element().is_some() { Err("unexpected slice of slice".into()) } else { Ok((element, way)) };
        }
        let to = shape.pointed();
        if to == shape {
            return Err(format!("expected slice or array type, but got: {}", self.go_kind()));
        }
        Ok((to.element().unwrap_or(to), way))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(kind: (&str, &str), path: &[&str]) -> Shape {
        path.iter().fold(Shape::of_kind(kind.0, kind.1).unwrap(), |shape, key| match shape.list(key) {
            Ok((element, _)) => element,
            Err(_) => shape.field(key).unwrap().0,
        })
    }

    #[test]
    fn a_field_says_how_it_is_patched() {
        let pod = at(("apps/v1", "Deployment"), &["spec", "template", "spec"]);
        let way = |name: &str| pod.list(name).unwrap().1;
        assert_eq!(way("containers"), Way { strategy: Strategy::Merge, retain_keys: false, merge_key: "name" });
        assert_eq!(way("volumes"), Way { strategy: Strategy::Merge, retain_keys: true, merge_key: "name" });
        assert_eq!(way("tolerations"), Way::default());
        let deployment = at(("apps/v1", "Deployment"), &["spec"]);
        assert!(deployment.field("strategy").unwrap().1.retain_keys);
    }

    #[test]
    fn what_is_not_there_is_told_in_gos_words() {
        let shape = at(("v1", "ConfigMap"), &[]);
        assert_eq!(shape.field("dada").unwrap_err(), "unable to find api field in struct ConfigMap for the json field \"dada\"");
        assert_eq!(
            at(("v1", "ConfigMap"), &["data"]).field("a").unwrap_err(),
            "merging an object in json but data type is not struct, instead is: map"
        );
        assert!(shape.field("DATA").is_ok());
        assert!(Shape::of_kind("example.com/v1", "Widget").is_none());
    }

    #[test]
    fn every_number_of_the_table_is_one_of_its_lines() {
        for of in &SCHEMA.structs {
            for field in &of.fields {
                let to = field.shape.0.trim_start_matches(['*', '[', '{']);
                assert!(to.parse::<usize>().map_or(true, |at| at < SCHEMA.structs.len()), "{} {}", of.name, field.name);
            }
        }
        assert!(SCHEMA.kinds.len() > 150);
    }
}
