//! The values that a template handles, as Go has them: each has a type, maps are shared and may be changed, lists are not.

mod data;
mod dropping;
mod list;
mod text;
pub mod types;

use std::{cell::RefCell, collections::BTreeMap, fmt, rc::Rc};

pub use data::{Data, Table};
pub use list::List;
pub use text::Str;
pub use types::{Kind, Method, Type};

/// A value of Go, as far as a template can meet one.
#[derive(Clone)]
pub enum Value {
    /// `nil` in an `interface{}`: what is missing, and what YAML's `null` gives.
    Nil,
    /// `bool`.
    Bool(bool),
    /// A signed integer of some type: `int` for a literal, `int64` from `--set` and Sprig's arithmetic, `time.Duration`.
    Int(i64, &'static Type),
    /// An unsigned integer of some type: `uint8` for a byte of a string.
    Uint(u64, &'static Type),
    /// `float64`: every number of a values file.
    Float(f64),
    /// `complex128`: only literals such as `2i` are.
    Complex(f64, f64),
    /// `string`.
    Str(Str),
    /// `[]byte`.
    Bytes(Str),
    /// A slice or an array of any other type.
    List(List),
    /// A map with text keys.
    Map(Map),
    /// A struct, or a pointer to one.
    Struct(Rc<Struct>),
    /// `time.Time`.
    Time(Rc<jiff::ZonedDateTime>),
}

/// `time.Time`, the type of [`Value::Time`].
pub static TIME: Type =
    Type { name: "time.Time", kind: Kind::Struct, elem: None, methods: crate::functions::dates::TIME_METHODS, named: true };
/// `time.Duration`, an integer of nanoseconds.
pub static DURATION: Type =
    Type { name: "time.Duration", kind: Kind::Int64, elem: None, methods: crate::functions::dates::DURATION_METHODS, named: true };

/// A map. Copies share it, as Go's do: what `set` changes in one is seen in all.
#[derive(Clone)]
pub struct Map {
    ty: &'static Type,
    entries: Option<Rc<RefCell<BTreeMap<Str, Value>>>>,
}

impl Map {
    /// A map of this type.
    pub fn new(ty: &'static Type, entries: BTreeMap<Str, Value>) -> Self {
        Self { ty, entries: Some(Rc::new(RefCell::new(entries))) }
    }

    /// The nil map of this type: empty, `null` as JSON and YAML, and not to be written to.
    pub fn nil(ty: &'static Type) -> Self {
        Self { ty, entries: None }
    }

    /// The same map, seen as of another type with the same elements.
    #[must_use]
    pub fn with_type(&self, ty: &'static Type) -> Self {
        Self { ty, entries: self.entries.clone() }
    }

    /// Its type.
    pub fn ty(&self) -> &'static Type {
        self.ty
    }

    /// Whether it is the nil map.
    pub fn is_nil(&self) -> bool {
        self.entries.is_none()
    }

    /// Whether both are the same map, not only equal ones.
    pub fn is(&self, other: &Self) -> bool {
        matches!((&self.entries, &other.entries), (Some(one), Some(two)) if Rc::ptr_eq(one, two))
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.borrow().len())
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What stands at a key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.entries.as_ref()?.borrow().get(key.as_ref()).cloned()
    }

    /// Its keys and values as they are now, in byte order of the keys. A copy: the map may be changed while one looks at it.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        self.entries
            .as_ref()
            .map_or_else(Vec::new, |entries| entries.borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// Sets an entry. False, and nothing is done, for the nil map: Go panics with `assignment to entry in nil map`.
    pub fn insert(&self, key: Str, value: Value) -> bool {
        let Some(entries) = &self.entries else { return false };
        entries.borrow_mut().insert(key, value);
        true
    }

    /// Removes an entry.
    pub fn remove(&self, key: impl AsRef<[u8]>) {
        if let Some(entries) = &self.entries {
            entries.borrow_mut().remove(key.as_ref());
        }
    }

    /// Empties it, so that a map which holds itself is given back when the render ends.
    pub fn clear(&self) {
        if let Some(entries) = &self.entries {
            // taken out first: what is dropped may hold this very map
            let old = std::mem::take(&mut *entries.borrow_mut());
            drop(old);
        }
    }
}

/// A struct that Helm or a function gives to templates: `.Chart`, `.Capabilities`, a certificate, a version.
pub struct Struct {
    /// Its type; of kind [`Kind::Pointer`] when templates meet it by pointer.
    pub ty: &'static Type,
    /// Its fields in Go's order, unexported ones apart.
    pub fields: Vec<Field>,
    /// Whether it has a `String` method, and what that gives.
    pub shown: Shown,
}

/// What printing a [`Struct`] shows.
pub enum Shown {
    /// Its fields.
    Fields,
    /// The text of its `String` method.
    Text(Str),
    /// The text of its `String` method where a template prints it from where it lies (`{{ .Capabilities.KubeVersion }}`); its fields
    /// once it was handed to a function: the method is the pointer's.
    TextInPlace(Str),
}

/// A field of a [`Struct`].
pub struct Field {
    /// Its name in templates.
    pub name: &'static str,
    /// Its name in JSON and YAML; none when it is not written there.
    pub key: Option<&'static str>,
    /// Whether JSON leaves it out when it is empty.
    pub omit_empty: bool,
    /// Whether it is an embedded struct: its fields are reached, and written as JSON, as if they were the outer one's.
    pub embedded: bool,
    /// What it holds.
    pub value: Value,
}

impl Struct {
    /// A field by its name in templates, those of embedded structs last.
    pub fn field(&self, name: &str) -> Option<&Value> {
        let own = self.fields.iter().find(|field| field.name == name).map(|field| &field.value);
        own.or_else(|| {
            self.fields.iter().filter(|field| field.embedded).find_map(|field| match &field.value {
                Value::Struct(inner) => inner.field(name),
                _ => None,
            })
        })
    }
}

impl Value {
    /// Go's `int`.
    pub fn int(number: i64) -> Self {
        Self::Int(number, &types::INT)
    }

    /// Go's `int64`.
    pub fn int64(number: i64) -> Self {
        Self::Int(number, &types::INT64)
    }

    /// Go's `string`.
    pub fn str(text: impl Into<Str>) -> Self {
        Self::Str(text.into())
    }

    /// Go's `[]interface{}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(&types::LIST, items))
    }

    /// Go's `[]string`.
    pub fn strings(items: impl IntoIterator<Item = Str>) -> Self {
        Self::List(List::new(&types::STRINGS, items.into_iter().map(Self::Str).collect()))
    }

    /// Go's `map[string]interface{}`.
    pub fn map(entries: BTreeMap<Str, Self>) -> Self {
        Self::Map(Map::new(&types::MAP, entries))
    }

    /// Its type; none for nil.
    pub fn ty(&self) -> Option<&'static Type> {
        Some(match self {
            Self::Nil => return None,
            Self::Bool(_) => &types::BOOL,
            Self::Int(_, ty) | Self::Uint(_, ty) => ty,
            Self::Float(_) => &types::FLOAT64,
            Self::Complex(..) => &types::COMPLEX128,
            Self::Str(_) => &types::STRING,
            Self::Bytes(_) => &types::BYTES,
            Self::List(list) => list.ty(),
            Self::Map(map) => map.ty(),
            Self::Struct(it) => it.ty,
            Self::Time(_) => &TIME,
        })
    }

    /// Its kind; none for nil.
    pub fn kind(&self) -> Option<Kind> {
        self.ty().map(|ty| ty.kind)
    }

    /// Whether `if` takes it for true: not zero, not empty, not nil (text/template's `IsTrue`; every struct is true).
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(it) => *it,
            Self::Int(it, _) => *it != 0,
            Self::Uint(it, _) => *it != 0,
            Self::Float(it) => *it != 0.0,
            Self::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Self::Str(it) | Self::Bytes(it) => !it.is_empty(),
            Self::List(it) => !it.items().is_empty(),
            Self::Map(it) => !it.is_empty(),
            Self::Struct(_) | Self::Time(_) => true,
        }
    }
}

impl From<&Data> for Value {
    /// A copy that nothing else shares: what a template changes in it changes nothing else.
    fn from(data: &Data) -> Self {
        match data {
            Data::Null => Self::Nil,
            Data::Bool(it) => Self::Bool(*it),
            Data::Int(it) => Self::int64(*it),
            Data::Float(it) => Self::Float(*it),
            Data::Text(it) => Self::Str(it.clone()),
            // plain loops: what iterators put on the stack at each level is too much for a thousand
            Data::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.push(Self::from(item));
                }
                // a reader of JSON has appended to it
                Self::List(List::grown(&types::LIST, list))
            }
            Data::Map(entries) => {
                let mut map = BTreeMap::new();
                for (key, value) in entries {
                    map.insert(key.clone(), Self::from(value));
                }
                Self::map(map)
            }
        }
    }
}

/// Of which type it is, and how many it has: values hold passwords.
impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => formatter.write_str("nil"),
            Self::Int(_, ty) | Self::Uint(_, ty) => write!(formatter, "{ty}"),
            Self::Bool(_) => formatter.write_str("bool"),
            Self::Float(_) | Self::Complex(..) => formatter.write_str("number"),
            Self::Str(_) => formatter.write_str("string"),
            Self::Bytes(_) => formatter.write_str("[]byte"),
            Self::List(it) => formatter.debug_list().entries(it.items()).finish(),
            // not its entries: a map may hold itself
            Self::Map(it) => write!(formatter, "{} of {}", it.ty(), it.len()),
            Self::Struct(it) => write!(formatter, "{}", it.ty),
            Self::Time(_) => formatter.write_str("time.Time"),
        }
    }
}
