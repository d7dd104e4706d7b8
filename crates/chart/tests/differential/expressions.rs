//! Operands, calls and pipelines, typed: what a function is fed mostly is what it takes.

use super::{
    atoms,
    random::Random,
    signatures::{Form, Kind, Signature, Times},
    tree::{Role, Tree},
    values::Values,
};

/// What is known where an expression stands.
#[derive(Clone, Debug)]
pub struct Place {
    /// What dot is: a kind, or `root`.
    pub dot: Kind,
    /// Whether `$` is the root.
    pub root: bool,
    /// Variables with their kinds.
    pub variables: Vec<(String, Kind)>,
    /// Whether a loop is around it.
    pub in_loop: bool,
}

/// What expressions are made from.
pub struct Grower<'a> {
    /// Chance.
    pub random: Random,
    /// The ways to call functions.
    pub signatures: &'a [Signature],
    /// The values that the template will see.
    pub values: &'a Values,
    /// How many of a hundred arguments are of any kind, whatever is wanted.
    pub careless: usize,
    /// How many names were given.
    pub names: usize,
    /// How many of the definitions may be included: two, the one that includes nothing, or none.
    pub includable: usize,
}

/// Kinds that a value of a kind can be given for.
fn fits(have: Kind, wanted: Kind) -> bool {
    have == wanted
        || match wanted {
            "any" => true,
            "num" => matches!(have, "int" | "int64" | "float"),
            "list" => matches!(have, "strings" | "ints" | "lists"),
            "sized" => matches!(have, "text" | "list" | "strings" | "map" | "smap" | "ints"),
            _ => false,
        }
}

const BUILTIN: &[(&str, Kind)] = &[
    ("Release.Name", "text"),
    ("Release.Namespace", "text"),
    ("Release.Revision", "int"),
    ("Release.IsInstall", "bool"),
    ("Release", "map"),
    ("Chart.Name", "text"),
    ("Chart.Version", "text"),
    ("Chart.AppVersion", "text"),
    ("Chart.Type", "text"),
    ("Template.Name", "text"),
    ("Template.BasePath", "text"),
    ("Template", "map"),
    ("Capabilities.KubeVersion.Version", "text"),
    ("Capabilities.KubeVersion", "any"),
    ("Capabilities.KubeVersion.Minor", "text"),
    ("Capabilities.APIVersions", "strings"),
    ("Capabilities.APIVersions.Has \"apps/v1\"", "bool"),
    ("Files.Get \"f.txt\"", "text"),
    ("Files.Lines \"f.txt\"", "strings"),
    ("Files.AsConfig", "text"),
    ("Files.AsSecrets", "text"),
    ("(Files.Glob \"*.txt\").AsConfig", "text"),
    ("Subcharts", "map"),
    ("Values", "any"),
    ("Values.missing", "any"),
];

impl Grower<'_> {
    /// An operand of a kind, in parentheses where it needs them.
    pub fn operand(&mut self, wanted: Kind, place: &Place, depth: usize) -> Tree {
        // what is no time is now to a function of times, and now is another for each side
        let wanted = if wanted != "time" && self.random.percent(self.careless) {
            *self.random.pick(&["any", "text", "list", "map", "float", "int", "bool"])
        } else {
            wanted
        };
        let named = matches!(wanted, "small" | "positive" | "zero" | "pairs" | "key" | "regex" | "layout" | "durationlike");
        if depth > 0
            && !named
            && self.random.percent(55)
            && let Some(call) = self.pipeline(wanted, place, depth - 1)
        {
            return Tree::leaf(Role::Operand, "(").tree(call).text(")");
        }
        if wanted == "small" && depth > 0 && self.random.percent(15) {
            let sized = self.operand("list", place, depth - 1);
            return Tree::leaf(Role::Operand, "(len ").tree(sized).text(")");
        }
        let found = (!named && self.random.percent(60)).then(|| self.reference(wanted, place)).flatten();
        found.or_else(|| self.literal(wanted, place, depth)).unwrap_or_else(|| Tree::leaf(Role::Operand, "\"?\""))
    }

    /// Something that is there: dot, a variable, a value, what Helm gives.
    fn reference(&mut self, wanted: Kind, place: &Place) -> Option<Tree> {
        let mut found: Vec<String> = Vec::new();
        if place.dot != "root" && fits(place.dot, wanted) {
            found.extend([".".to_owned(), ".".to_owned()]);
        }
        for (name, kind) in &place.variables {
            if fits(kind, wanted) {
                found.push(name.clone());
            }
        }
        let roots: &[&str] = match (place.dot == "root", place.root) {
            (true, true) => &["", "$"],
            (true, false) => &[""],
            (false, true) => &["$"],
            (false, false) => &[],
        };
        for root in roots {
            for (path, kind) in &self.values.paths {
                if fits(kind, wanted) {
                    found.push(format!("{root}.Values.{}", path.join(".")));
                }
            }
            for (path, kind) in BUILTIN {
                if fits(kind, wanted) && self.random.percent(30) {
                    found.push(match path.strip_prefix('(') {
                        Some(path) => format!("({root}.{path}"),
                        None if path.contains(' ') => format!("({root}.{path})"),
                        None => format!("{root}.{path}"),
                    });
                }
            }
        }
        (!found.is_empty()).then(|| Tree::leaf(Role::Operand, self.random.pick(&found).clone()))
    }

    fn literal(&mut self, wanted: Kind, place: &Place, depth: usize) -> Option<Tree> {
        let kind = match wanted {
            "any" => *self.random.pick(&["text", "num", "float", "bool", "list", "map", "int", "nil", "time"]),
            "sized" => *self.random.pick(&["text", "list", "map"]),
            other => other,
        };
        if kind == "nil" {
            return Some(Tree::leaf(Role::Operand, "nil"));
        }
        if let Some(text) = atoms::literal(&mut self.random, kind) {
            return Some(Tree::leaf(Role::Operand, text));
        }
        // no literal is of that kind: a call is
        self.pipeline(kind, place, depth.saturating_sub(1)).map(|call| Tree::leaf(Role::Operand, "(").tree(call).text(")"))
    }

    /// A pipeline that gives a kind; none where no function does.
    pub fn pipeline(&mut self, wanted: Kind, place: &Place, depth: usize) -> Option<Tree> {
        if wanted == "text" && self.random.percent(12) {
            return Some(self.printed(place, depth));
        }
        let signatures = self.signatures;
        let fitting: Vec<&Signature> = signatures.iter().filter(|it| fits(it.result, wanted)).collect();
        if fitting.is_empty() {
            return None;
        }
        let mut signature = *self.random.pick(&fitting);
        for _ in 0..20 {
            if !signature.costly || self.random.percent(2) {
                break;
            }
            signature = *self.random.pick(&fitting);
        }
        Some(self.call(signature, place, depth))
    }

    /// A call of a function.
    pub fn call(&mut self, signature: &Signature, place: &Place, depth: usize) -> Tree {
        match &signature.form {
            Form::Written(places) => {
                let mut tree = Tree::new(Role::Operand);
                for (text, kind) in places {
                    tree = tree.text(*text);
                    if let Some(kind) = kind {
                        let operand = self.operand(kind, place, depth);
                        tree = tree.tree(operand);
                    }
                }
                tree
            }
            Form::Call(arguments) => {
                let mut operands = Vec::new();
                for (kind, times) in arguments {
                    let count = match times {
                        Times::One => 1,
                        Times::Maybe => self.random.below(2),
                        Times::Any => self.random.below(4),
                    };
                    for _ in 0..count {
                        if *kind == "pairs" {
                            operands.extend(self.pairs(place, depth));
                        } else {
                            operands.push(self.operand(kind, place, depth));
                        }
                    }
                }
                self.written(signature.name, operands)
            }
        }
    }

    /// A call with its last argument after the others, or before them and a bar.
    fn written(&mut self, name: &str, mut operands: Vec<Tree>) -> Tree {
        if !operands.is_empty() && self.random.percent(40) {
            let last = operands.pop().unwrap_or_else(|| Tree::leaf(Role::Operand, "1"));
            let bare = last.to_string();
            // `(a | b)` may stand without its parentheses in front of a bar
            let stage =
                operands.into_iter().fold(Tree::leaf(Role::Extra, format!(" | {name}")), |tree, operand| tree.text(" ").tree(operand));
            return if bare == "nil" {
                Tree::leaf(Role::Operand, "list nil | first").tree(stage)
            } else {
                Tree::new(Role::Operand).tree(last).tree(stage)
            };
        }
        operands.into_iter().fold(Tree::leaf(Role::Operand, name), |tree, operand| tree.text(" ").tree(operand))
    }

    fn pairs(&mut self, place: &Place, depth: usize) -> Vec<Tree> {
        let mut operands = Vec::new();
        for _ in 0..self.random.below(4) {
            operands.push(Tree::leaf(Role::Operand, atoms::literal(&mut self.random, "key").unwrap_or_default()));
            operands.push(self.operand("any", place, depth));
        }
        operands
    }

    /// `printf` with random verbs.
    fn printed(&mut self, place: &Place, depth: usize) -> Tree {
        const VERBS: &[(&str, Kind)] = &[
            ("s", "text"),
            ("q", "text"),
            ("v", "any"),
            ("d", "int"),
            ("x", "text"),
            ("X", "int"),
            ("f", "float"),
            ("g", "float"),
            ("e", "float"),
            ("t", "bool"),
            ("T", "any"),
            ("c", "int"),
            ("U", "int"),
            ("o", "int"),
            ("b", "int"),
            ("v", "list"),
            ("v", "map"),
            ("s", "list"),
            ("q", "list"),
            ("d", "list"),
            ("G", "float"),
            ("E", "float"),
            ("v", "float"),
            ("O", "int"),
            ("x", "float"),
            ("p", "int"),
            ("w", "any"),
            ("y", "any"),
        ];
        let mut format = String::new();
        let mut kinds = Vec::new();
        for _ in 0..=self.random.below(3) {
            format.push_str(self.random.word(&["", "a", " ", "%%", "é:", "-"]));
            format.push('%');
            for flag in ["+", "-", "#", "0", " "] {
                if self.random.percent(12) {
                    format.push_str(flag);
                }
            }
            if self.random.percent(25) {
                format.push_str(self.random.word(&["1", "5", "12", "20", "*", "[1]"]));
                if format.ends_with('*') {
                    kinds.push("small");
                }
            }
            if self.random.percent(20) {
                format.push_str(self.random.word(&[".0", ".1", ".3", ".10", ".", ".*"]));
                if format.ends_with('*') {
                    kinds.push("small");
                }
            }
            let (verb, kind) = *self.random.pick(VERBS);
            format.push_str(verb);
            kinds.push(kind);
        }
        if self.random.percent(5) {
            kinds.pop();
        }
        if self.random.percent(5) {
            kinds.push("any");
        }
        let format = atoms::quoted(&mut self.random, &format);
        let operands: Vec<Tree> = kinds.into_iter().map(|kind| self.operand(kind, place, depth.min(1))).collect();
        operands.into_iter().fold(Tree::leaf(Role::Operand, format!("printf {format}")), |tree, operand| tree.text(" ").tree(operand))
    }
}
