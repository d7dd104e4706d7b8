//! What a name in a template calls: text/template's own functions, Helm's `include` and `tpl`, and those of [`functions`](crate::functions).

use std::{
    collections::HashMap,
    fmt,
    sync::{LazyLock, OnceLock},
};

use crate::{
    function::Function,
    value::{
        Type,
        types::{ANY, REFLECT, STRING},
    },
};

/// Which functions a template may call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// All that Helm gives to charts.
    #[default]
    Helm,
    /// Those of text/template itself, as `helm get all --template` has it.
    Go,
}

/// A function of the language itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    And,
    Or,
    Not,
    Len,
    Index,
    Slice,
    Call,
    Html,
    Js,
    UrlQuery,
    Print,
    Printf,
    Println,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// What is called.
#[derive(Clone, Copy)]
pub(super) enum Callee {
    Builtin(Builtin),
    /// `include`
    Include,
    /// `tpl`
    Tpl,
    Function(&'static Function),
}

/// The types of what is called: those of the arguments, and of any number after them.
pub(super) type Signature = (&'static [&'static Type], Option<&'static Type>);

impl Callee {
    pub(super) fn named(name: &[u8], language: Language) -> Option<Self> {
        match language {
            Language::Helm => FUNCTIONS.get(name).copied(),
            Language::Go => BUILTINS.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, builtin)| Self::Builtin(*builtin)),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Include => "include",
            Self::Tpl => "tpl",
            Self::Function(function) => function.name,
            Self::Builtin(builtin) => BUILTINS.iter().find(|(_, it)| *it == builtin).map_or("", |(name, _)| name),
        }
    }

    pub(super) fn signature(self) -> Signature {
        match self {
            Self::Include | Self::Tpl => (NAME_AND_DATA, None),
            Self::Function(function) => (function.takes, function.rest),
            Self::Builtin(builtin) => match builtin {
                Builtin::Not | Builtin::Len => (ONE, None),
                Builtin::And | Builtin::Or | Builtin::Index | Builtin::Slice | Builtin::Call | Builtin::Eq => (ONE, Some(&REFLECT)),
                Builtin::Ne | Builtin::Lt | Builtin::Le | Builtin::Gt | Builtin::Ge => (TWO, None),
                Builtin::Printf => (FORMAT, Some(&ANY)),
                Builtin::Html | Builtin::Js | Builtin::UrlQuery | Builtin::Print | Builtin::Println => (&[], Some(&ANY)),
            },
        }
    }
}

const NAME_AND_DATA: &[&Type] = &[&STRING, &ANY];
const FORMAT: &[&Type] = &[&STRING];
const ONE: &[&Type] = &[&REFLECT];
const TWO: &[&Type] = &[&REFLECT, &REFLECT];

impl fmt::Debug for Callee {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

const BUILTINS: &[(&str, Builtin)] = &[
    ("and", Builtin::And),
    ("or", Builtin::Or),
    ("not", Builtin::Not),
    ("len", Builtin::Len),
    ("index", Builtin::Index),
    ("slice", Builtin::Slice),
    ("call", Builtin::Call),
    ("html", Builtin::Html),
    ("js", Builtin::Js),
    ("urlquery", Builtin::UrlQuery),
    ("print", Builtin::Print),
    ("printf", Builtin::Printf),
    ("println", Builtin::Println),
    ("eq", Builtin::Eq),
    ("ne", Builtin::Ne),
    ("lt", Builtin::Lt),
    ("le", Builtin::Le),
    ("gt", Builtin::Gt),
    ("ge", Builtin::Ge),
];

/// Where Helm and the language both have a function of a name, it is Helm's: Sprig's `slice`.
static FUNCTIONS: LazyLock<HashMap<&'static [u8], Callee>> = LazyLock::new(|| {
    let own = BUILTINS.iter().map(|(name, builtin)| (name.as_bytes(), Callee::Builtin(*builtin)));
    let given = crate::functions::all().map(|function| (function.name.as_bytes(), Callee::Function(function)));
    own.chain(given).chain([(b"include".as_slice(), Callee::Include), (b"tpl".as_slice(), Callee::Tpl)]).collect()
});

/// The names of all functions that templates can call, in order.
pub fn names() -> &'static [&'static str] {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names: Vec<_> = FUNCTIONS.values().map(|callee| callee.name()).collect();
        names.sort_unstable();
        names
    })
}
