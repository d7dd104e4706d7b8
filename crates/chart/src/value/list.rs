//! Slices, and what Go keeps behind their end: a template can reach it with `slice`.

use std::{cell::OnceCell, rc::Rc};

use super::{Kind, Map, Type, Value, types};

/// A slice: its items do not change once it is made, so that a copy is a reference. The one exception is [`List::sort_in_place`].
#[derive(Clone)]
pub struct List {
    ty: &'static Type,
    pub(super) body: Option<Rc<Body>>,
}

/// What copies of a slice share.
pub(super) struct Body {
    pub(super) items: Vec<Value>,
    /// Items of the slice that this one is a part of, behind its end.
    pub(super) behind: Vec<Value>,
    /// How many zero values have room behind those.
    spare: usize,
    /// The items in order, where they were sorted since.
    sorted: OnceCell<Vec<Value>>,
}

impl List {
    /// A slice of this type.
    pub fn new(ty: &'static Type, items: Vec<Value>) -> Self {
        Self::with_capacity(ty, items, 0)
    }

    /// A slice with room for so many items, as Go makes it when it knows how many there may be.
    pub fn with_capacity(ty: &'static Type, items: Vec<Value>, capacity: usize) -> Self {
        let spare = capacity.saturating_sub(items.len());
        Self { ty, body: Some(Rc::new(Body { items, behind: Vec::new(), spare, sorted: OnceCell::new() })) }
    }

    /// A slice that Go has appended to, one item after the other: it has more room than it needs.
    pub fn grown(ty: &'static Type, items: Vec<Value>) -> Self {
        Self::grown_from(ty, items, 0)
    }

    /// The same, where Go had made room for so many before.
    pub fn grown_from(ty: &'static Type, items: Vec<Value>, mut capacity: usize) -> Self {
        while capacity < items.len() {
            capacity = after_append(ty, capacity, capacity + 1);
        }
        Self::with_capacity(ty, items, capacity)
    }

    /// A slice that Go has made of one with so much room by appending once.
    pub fn appended(ty: &'static Type, items: Vec<Value>, old_capacity: usize) -> Self {
        let needed = items.len();
        let capacity = if needed > old_capacity { after_append(ty, old_capacity, needed) } else { old_capacity };
        Self::with_capacity(ty, items, capacity)
    }

    /// The nil slice of this type: empty, and `null` as JSON and YAML.
    pub fn nil(ty: &'static Type) -> Self {
        Self { ty, body: None }
    }

    /// Its type.
    pub fn ty(&self) -> &'static Type {
        self.ty
    }

    /// Whether it is the nil slice.
    pub fn is_nil(&self) -> bool {
        self.body.is_none()
    }

    /// Its items.
    pub fn items(&self) -> &[Value] {
        self.body.as_ref().map_or(&[], |body| body.sorted.get().unwrap_or(&body.items))
    }

    /// How many items it has room for.
    pub fn capacity(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.items.len() + body.behind.len() + body.spare)
    }

    /// The items from one place to another; as in Go, they may reach behind the end, where there is room. None where there is not.
    #[must_use]
    pub fn part(&self, start: usize, end: usize) -> Option<Self> {
        let body = self.body.as_ref()?;
        if start > end || end > self.capacity() {
            return None;
        }
        let mut all = self.items().iter().chain(&body.behind).skip(start);
        let mut items: Vec<Value> = all.by_ref().take(end - start).cloned().collect();
        let behind: Vec<Value> = all.cloned().collect();
        items.resize_with(end - start, || zero(self.ty));
        let capacity = self.capacity() - start;
        let spare = capacity.saturating_sub(items.len() + behind.len());
        Some(Self { ty: self.ty, body: Some(Rc::new(Body { items, behind, spare, sorted: OnceCell::new() })) })
    }

    /// Sorts a slice of texts as Go does, where it lies: each copy of it has its items in order from then on.
    pub fn sort_in_place(&self) {
        if let Some(body) = &self.body {
            body.sorted.get_or_init(|| {
                let mut items = body.items.clone();
                items.sort_by(|one, other| match (one, other) {
                    (Value::Str(one), Value::Str(other)) => one.cmp(other),
                    _ => std::cmp::Ordering::Equal,
                });
                items
            });
        }
    }
}

/// The zero value of what a slice of this type holds.
fn zero(ty: &'static Type) -> Value {
    let Some(elem) = ty.elem else { return Value::Nil };
    match elem.kind {
        Kind::String => Value::str(""),
        Kind::Bool => Value::Bool(false),
        Kind::Int | Kind::Int32 | Kind::Int64 => Value::Int(0, elem),
        Kind::Uint8 | Kind::Uint32 | Kind::Uint64 => Value::Uint(0, elem),
        Kind::Float64 => Value::Float(0.0),
        Kind::Slice => Value::List(List::nil(elem)),
        Kind::Map => Value::Map(Map::nil(elem)),
        _ => Value::Nil,
    }
}

/// How much room Go gives a slice of this type that had so much and needs so much: twice as much, or a quarter more, and what the
/// piece of memory has beyond it.
fn after_append(ty: &'static Type, old: usize, needed: usize) -> usize {
    const SMALL: usize = 256;
    let mut capacity = old;
    if needed > 2 * old {
        capacity = needed;
    } else if old < SMALL {
        capacity = 2 * old;
    } else {
        while capacity < needed {
            capacity += (capacity + 3 * SMALL) >> 2;
        }
    }
    let (size, has_pointers) = match ty.elem {
        Some(elem) if *elem == types::INT => (8, false),
        _ => (16, true),
    };
    piece_of_memory(capacity.saturating_mul(size), has_pointers) / size
}

/// The size of the piece of memory that Go gives for so many bytes.
fn piece_of_memory(bytes: usize, has_pointers: bool) -> usize {
    const PAGE: usize = 8192;
    const SIZES: [u16; 67] = [
        8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480, 512, 576, 640,
        704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912,
        8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
    ];
    if bytes > 32768 - 8 {
        return bytes.saturating_add(PAGE - 1) & !(PAGE - 1);
    }
    // what tells the collector where pointers lie stands before them
    let header = if has_pointers && bytes > 512 { 8 } else { 0 };
    let fits = SIZES.iter().map(|size| usize::from(*size)).find(|size| *size >= bytes + header);
    fits.unwrap_or(bytes + header) - header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Str;

    /// What the items are, as far as these tests have any.
    fn shown(items: &[Value]) -> Vec<String> {
        let one = |item: &Value| match item {
            Value::Str(it) => it.to_string(),
            Value::Int(it, _) => it.to_string(),
            other => panic!("{other:?}"),
        };
        items.iter().map(one).collect()
    }

    #[test]
    fn what_is_sorted_in_place_is_sorted_for_all_who_have_it() {
        let texts = |texts: &[&str]| texts.iter().map(|text| Value::Str(Str::from(*text))).collect::<Vec<_>>();
        let list = List::new(&types::STRINGS, texts(&["c", "a", "b"]));
        let copy = list.clone();
        copy.sort_in_place();
        assert_eq!(shown(list.items()), ["a", "b", "c"]);
    }

    #[test]
    fn a_part_may_reach_behind_the_end_where_there_is_room() {
        let list = List::grown(&types::INTS, (1..=3).map(Value::int).collect());
        assert_eq!(shown(list.part(1, 4).unwrap().items()), ["2", "3", "0"]);
        assert!(list.part(0, 5).is_none() && list.part(2, 1).is_none());
        let first = list.part(0, 1).unwrap();
        assert_eq!(shown(first.part(1, 2).unwrap().items()), ["2"]);
    }
}
