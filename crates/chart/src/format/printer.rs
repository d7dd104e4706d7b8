//! How one value is printed for one verb: the rules of Go's `fmt`.

use super::{clock, quote, unicode};
use crate::{
    budget::{Budget, Exhausted},
    value::{Kind, List, Map, Shown, Struct, Type, Value},
};

/// The address that a pointer, a map or a slice shows: Go's is another in every process, this one is always the same.
const ADDRESS: u64 = 0xc0_0000_0000;

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of a format")]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`, which is no `plus`.
    pub(super) plus_v: bool,
    /// `%#v`, which is no `sharp`.
    pub(super) sharp_v: bool,
}

/// What has been printed, and how the next value is.
pub(super) struct Printer<'a> {
    pub(super) out: Vec<u8>,
    pub(super) flags: Flags,
    pub(super) budget: &'a mut Budget,
    /// Whether a value is printed because its verb is wrong: then no method is asked.
    erroring: bool,
}

pub(super) type Printed = Result<(), Exhausted>;

impl<'a> Printer<'a> {
    pub(super) fn new(out: Vec<u8>, budget: &'a mut Budget) -> Self {
        Self { out, flags: Flags::default(), budget, erroring: false }
    }

    pub(super) fn put(&mut self, text: impl AsRef<[u8]>) -> Printed {
        let text = text.as_ref();
        self.budget.make(text.len())?;
        self.out.extend_from_slice(text);
        Ok(())
    }

    pub(super) fn fill(&mut self, count: usize) -> Printed {
        self.budget.make(count)?;
        // zeros stand only to the left
        let with = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.resize(self.out.len() + count, with);
        Ok(())
    }

    /// Puts a text into the width.
    pub(super) fn pad(&mut self, text: impl AsRef<[u8]>) -> Printed {
        let text = text.as_ref();
        let missing = self.flags.width.map_or(0, |width| width.saturating_sub(unicode::count(text)));
        if missing == 0 {
            return self.put(text);
        }
        if !self.flags.minus {
            self.fill(missing)?;
        }
        self.put(text)?;
        if self.flags.minus {
            self.fill(missing)?;
        }
        Ok(())
    }

    pub(super) fn pad_without_zeros(&mut self, text: impl AsRef<[u8]>) -> Printed {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        let printed = self.pad(text);
        self.flags.zero = zero;
        printed
    }

    /// An argument of `printf` or of `print`.
    pub(super) fn argument(&mut self, value: &Value, verb: char) -> Printed {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad("<nil>"),
            (Value::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') => self.text(value.ty().map_or("<nil>", |ty| ty.name).as_bytes(), 's'),
            (_, 'p') => self.pointer(value, verb),
            (Value::Bytes(bytes), 'v' | 'd') => self.bytes(bytes.as_bytes(), verb, "[]byte"),
            _ => self.value(value, verb, 0),
        }
    }

    /// A value so deep in another.
    fn value(&mut self, value: &Value, verb: char, depth: usize) -> Printed {
        self.budget.step(1)?;
        let bytes = depth == 0 && matches!(value, Value::Bytes(_));
        if !self.erroring && !bytes && (verb == 'w' || self.method(value, verb)?) {
            return if verb == 'w' { self.bad_verb(value, verb) } else { Ok(()) };
        }
        match value {
            Value::Nil if self.flags.sharp_v => self.put("interface {}(nil)"),
            Value::Nil => self.put("<nil>"),
            Value::Bool(it) if matches!(verb, 't' | 'v') => self.pad(if *it { "true" } else { "false" }),
            Value::Bool(_) => self.bad_verb(value, verb),
            Value::Int(it, _) => self.integer(value, it.cast_unsigned(), true, verb),
            Value::Uint(it, _) => self.integer(value, *it, false, verb),
            Value::Float(it) => self.float(value, *it, verb),
            Value::Complex(re, im) => self.complex(value, *re, *im, verb),
            Value::Str(it) if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') => self.text(it.as_bytes(), verb),
            Value::Str(_) => self.bad_verb(value, verb),
            Value::Bytes(it) if matches!(verb, 's' | 'q' | 'x' | 'X') => self.text(it.as_bytes(), verb),
            Value::Bytes(it) => self.bytes(it.as_bytes(), verb, "[]uint8"),
            Value::List(it) if it.ty().kind == Kind::Pointer => self.pointer(value, verb),
            Value::List(it) => self.list(it, verb, depth),
            Value::Map(it) => self.map(it, verb, depth),
            Value::Struct(it) => self.structure(value, it, verb, depth),
            Value::Time(it) => self.structure(value, &clock::insides(it), verb, depth),
        }
    }

    /// Prints by `String()`, `Error()` or `GoString()`, where the value has one and the verb takes it.
    fn method(&mut self, value: &Value, verb: char) -> Result<bool, Exhausted> {
        if self.flags.sharp_v {
            let Value::Time(it) = value else { return Ok(false) };
            let text = clock::time_in_go(it);
            self.pad(self.cut(text.as_bytes()))?;
            return Ok(true);
        }
        if !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return Ok(false);
        }
        match value {
            Value::Struct(it) => match &it.shown {
                Shown::Text(shown) => self.text(shown.as_bytes(), verb)?,
                // what is handed to a function is a copy, which has not the methods of a pointer
                Shown::TextInPlace(_) | Shown::Fields => return Ok(false),
            },
            Value::Time(it) => self.text(clock::time(it).as_bytes(), verb)?,
            Value::Int(number, ty) => match clock::named(*number, ty.name) {
                Some(shown) => self.text(shown.as_bytes(), verb)?,
                None => return Ok(false),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `%!VERB(TYPE=VALUE)`
    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) -> Printed {
        self.put(format!("%!{verb}("))?;
        match value.ty() {
            None => self.put("<nil>")?,
            Some(ty) => {
                self.put(ty.name)?;
                self.put("=")?;
                let before = std::mem::replace(&mut self.erroring, true);
                self.value(value, 'v', 0)?;
                self.erroring = before;
            }
        }
        self.put(")")
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) -> Printed {
        let bytes = list.ty().elem.is_some_and(|elem| elem.kind == Kind::Uint8);
        if bytes && matches!(verb, 's' | 'q' | 'x' | 'X') {
            let bytes: Vec<u8> =
                list.items().iter().map(|item| if let Value::Uint(it, _) = item { it.to_le_bytes()[0] } else { 0 }).collect();
            return self.text(&bytes, verb);
        }
        if self.flags.sharp_v {
            self.put(list.ty().name)?;
            if list.is_nil() {
                return self.put("(nil)");
            }
        }
        self.put(if self.flags.sharp_v { "{" } else { "[" })?;
        self.budget.enter()?;
        for (place, item) in list.items().iter().enumerate() {
            self.between(place)?;
            self.value(item, verb, depth + 1)?;
        }
        self.budget.leave();
        self.put(if self.flags.sharp_v { "}" } else { "]" })
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) -> Printed {
        if self.flags.sharp_v {
            self.put(map.ty().name)?;
            if map.is_nil() {
                return self.put("(nil)");
            }
        }
        self.put(if self.flags.sharp_v { "{" } else { "map[" })?;
        self.budget.enter()?;
        for (place, (key, value)) in map.entries().iter().enumerate() {
            self.between(place)?;
            self.value(&Value::Str(key.clone()), verb, depth + 1)?;
            self.put(":")?;
            self.value(value, verb, depth + 1)?;
        }
        self.budget.leave();
        self.put(if self.flags.sharp_v { "}" } else { "]" })
    }

    fn structure(&mut self, value: &Value, it: &Struct, verb: char, depth: usize) -> Printed {
        let mut name = it.ty.name;
        if it.ty.kind == Kind::Pointer {
            if depth > 0 {
                return self.pointer(value, verb);
            }
            self.put("&")?;
            name = pointed(it.ty);
        }
        if self.flags.sharp_v {
            self.put(name)?;
        }
        self.put("{")?;
        self.budget.enter()?;
        for (place, field) in it.fields.iter().enumerate() {
            self.between(place)?;
            if self.flags.plus_v || self.flags.sharp_v {
                self.put(field.name)?;
                self.put(":")?;
            }
            self.value(&field.value, verb, depth + 1)?;
        }
        self.budget.leave();
        self.put("}")
    }

    fn between(&mut self, place: usize) -> Printed {
        match place {
            0 => Ok(()),
            _ => self.put(if self.flags.sharp_v { ", " } else { " " }),
        }
    }

    fn pointer(&mut self, value: &Value, verb: char) -> Printed {
        let nil = match value {
            Value::List(it) => it.is_nil(),
            Value::Map(it) => it.is_nil(),
            Value::Bytes(_) => false,
            Value::Struct(it) if it.ty.kind == Kind::Pointer => false,
            _ => return self.bad_verb(value, verb),
        };
        let address = if nil { 0 } else { ADDRESS };
        match verb {
            'v' if self.flags.sharp_v && nil => self.put(format!("({})(nil)", value.ty().map_or("", |ty| ty.name))),
            'v' if self.flags.sharp_v => self.put(format!("({})({address:#x})", value.ty().map_or("", |ty| ty.name))),
            'v' if nil => self.pad("<nil>"),
            'v' | 'p' => self.hexadecimal(address, !self.flags.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => self.integer(value, address, false, verb),
            _ => self.bad_verb(value, verb),
        }
    }

    fn bytes(&mut self, bytes: &[u8], verb: char, name: &str) -> Printed {
        if self.flags.sharp_v {
            self.put(name)?;
        }
        self.put(if self.flags.sharp_v { "{" } else { "[" })?;
        for (place, byte) in bytes.iter().enumerate() {
            self.between(place)?;
            let value = Value::Uint(u64::from(*byte), &crate::value::types::UINT8);
            self.value(&value, verb, 1)?;
        }
        self.put(if self.flags.sharp_v { "}" } else { "]" })
    }

    /// A text, or bytes as one.
    fn text(&mut self, text: &[u8], verb: char) -> Printed {
        match verb {
            'x' | 'X' => return self.hexadecimal_text(text, verb == 'X'),
            'q' => {}
            'v' if self.flags.sharp_v => {}
            _ => return self.pad(self.cut(text)),
        }
        let text = self.cut(text);
        self.budget.make(text.len() * 4)?;
        if self.flags.sharp && quote::can_backquote(text) {
            return self.pad([b"`", text, b"`"].concat());
        }
        self.pad(if self.flags.plus { quote::quoted_ascii(text) } else { quote::quoted(text) })
    }

    /// So many letters of a text as the precision lets through.
    fn cut<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(letters) = self.flags.precision else { return text };
        let mut end = 0;
        for _ in 0..letters {
            let (_, width) = unicode::first(text.get(end..).unwrap_or_default());
            if width == 0 {
                break;
            }
            end += width;
        }
        text.get(..end).unwrap_or(text)
    }

    fn hexadecimal_text(&mut self, text: &[u8], upper: bool) -> Printed {
        let text = self.flags.precision.and_then(|precision| text.get(..precision)).unwrap_or(text);
        let prefix = match (self.flags.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        self.budget.make(text.len().saturating_mul(if self.flags.space { 5 } else { 2 }))?;
        let mut shown = String::new();
        for (place, byte) in text.iter().enumerate() {
            if place > 0 && self.flags.space {
                shown.push(' ');
            }
            if place == 0 || self.flags.space {
                shown.push_str(prefix);
            }
            shown.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(shown)
    }
}

/// The name of the type that a pointer type points to.
pub(crate) fn pointed(ty: &'static Type) -> &'static str {
    ty.elem.map_or_else(|| ty.name.strip_prefix('*').unwrap_or(ty.name), |elem| elem.name)
}
