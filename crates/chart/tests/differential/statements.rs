//! Statements of templates: text, actions and the constructs around them.

use super::{
    atoms,
    expressions::{Grower, Place},
    random::Random,
    signatures::{Kind, Signature},
    tree::{Role, Tree},
    values::{self, Values},
};

/// A case: a template, the templates that it may include, and values.
#[derive(Clone, Debug)]
pub struct Case {
    /// The template.
    pub template: Tree,
    /// A file of definitions.
    pub definitions: Tree,
    /// The values.
    pub values: Values,
}

/// Grows the case of a seed.
pub fn case(seed: u64, signatures: &[Signature]) -> Case {
    let mut random = Random::new(seed);
    let values = values::grow(&mut random);
    let careless = if random.percent(35) { 6 } else { 0 };
    let mut grower = Grower { random, signatures, values: &values, careless, names: 0, includable: 1 };
    let within = Place { dot: "root", root: true, variables: Vec::new(), in_loop: false };
    let inner = grower.body(&within, 2, 3);
    let named = Place { dot: "any", root: false, ..within.clone() };
    grower.includable = 0;
    let other = grower.body(&named, 1, 2);
    let definitions = Tree::leaf(Role::Body, "{{- define \"d.root\" -}}\n")
        .tree(inner)
        .text("{{- end }}\n{{ define \"d.any\" }}")
        .tree(other)
        .text("{{ end -}}\n");
    grower.includable = 2;
    let template = grower.body(&within, 3, 5);
    Case { template, definitions, values }
}

/// Grows a case of one call, each function in its turn.
pub fn single(seed: u64, signatures: &[Signature]) -> Case {
    let mut random = Random::new(seed);
    let values = values::grow(&mut random);
    let mut at = usize::try_from(seed).unwrap_or_default() % signatures.len();
    while signatures[at].costly && !random.percent(2) {
        at = (at + 1) % signatures.len();
    }
    let careless = if random.percent(20) { 20 } else { 0 };
    let depth = random.below(2);
    let mut grower = Grower { random, signatures, values: &values, careless, names: 0, includable: 0 };
    let within = Place { dot: "root", root: true, variables: Vec::new(), in_loop: false };
    let call = grower.call(&signatures[at], &within, depth);
    let shown =
        *grower.random.pick(&["", "", " | toJson", " | printf \"%#v\"", " | typeOf", " | quote", " | toYaml", " | printf \"%v|%T\" 1"]);
    let action = Tree::leaf(Role::Statement, "{{ ").tree(call).tree(Tree::leaf(Role::Extra, shown)).text(" }}");
    Case { template: Tree::new(Role::Body).tree(action), definitions: Tree::new(Role::Body), values }
}

const TEXTS: &[&str] = &["\n", "a: ", "  - ", "text\n", " ", "\n\n", "key: value\n", "é", "}}", "{ ", "\t", "# comment\n", "\"", "x\r\n"];
const KINDS: &[Kind] =
    &["text", "any", "any", "float", "int", "int64", "bool", "list", "map", "strings", "time", "smap", "semver", "ints", "lists"];

impl Grower<'_> {
    /// A body of statements.
    pub fn body(&mut self, place: &Place, depth: usize, length: usize) -> Tree {
        let mut place = place.clone();
        let mut tree = Tree::new(Role::Body);
        for _ in 0..=self.random.below(length) {
            let statement = self.statement(&mut place, depth);
            tree = tree.tree(statement);
        }
        tree
    }

    fn statement(&mut self, place: &mut Place, depth: usize) -> Tree {
        match self.random.below(if depth == 0 { 60 } else { 100 }) {
            0..10 => Tree::leaf(Role::Statement, *self.random.pick(TEXTS)),
            10..13 => self.comment(),
            13..20 => self.declared(place),
            20..24 if place.in_loop => self.left(place),
            20..60 => self.action(place),
            60..74 => self.chosen(place, depth),
            74..82 => self.with(place, depth),
            82..92 => self.range(place, depth),
            92..97 if self.includable > 0 => self.included(place),
            _ => self.inline(place, depth),
        }
    }

    fn open(&mut self) -> &'static str {
        if self.random.percent(25) { "{{- " } else { "{{ " }
    }

    fn close(&mut self) -> &'static str {
        if self.random.percent(15) { " -}}" } else { " }}" }
    }

    fn action(&mut self, place: &Place) -> Tree {
        let kind = *self.random.pick(KINDS);
        let open = self.open();
        let depth = self.random.below(3);
        let found = if self.random.percent(80) { self.pipeline(kind, place, depth) } else { None };
        let inner = found.unwrap_or_else(|| self.operand("any", place, 1));
        if inner.to_string() == "nil" {
            return Tree::leaf(Role::Statement, "{{ list nil }}");
        }
        Tree::leaf(Role::Statement, open).tree(inner).text(self.close())
    }

    fn comment(&mut self) -> Tree {
        Tree::leaf(Role::Statement, *self.random.pick(&["{{/* gone */}}", "{{- /* a\nb */ -}}", "{{/* }} */ -}}"]))
    }

    fn declared(&mut self, place: &mut Place) -> Tree {
        let kind = *self.random.pick(&["text", "list", "map", "float", "int", "any", "bool"]);
        let (open, close) = (self.open(), self.close());
        if !place.variables.is_empty() && self.random.percent(30) {
            let (name, kind) = self.random.pick(&place.variables).clone();
            let operand = self.operand(kind, place, 2);
            return Tree::leaf(Role::Statement, format!("{open}{name} = ")).tree(operand).text(close);
        }
        let operand = self.operand(kind, place, 2);
        self.names += 1;
        let name = format!("$v{}", self.names);
        place.variables.push((name.clone(), kind));
        Tree::leaf(Role::Statement, format!("{open}{name} := ")).tree(operand).text(close)
    }

    fn left(&mut self, place: &Place) -> Tree {
        let condition = self.operand("bool", place, 1);
        let word = *self.random.pick(&["break", "continue"]);
        Tree::leaf(Role::Statement, "{{ if ").tree(condition).text(format!(" }}}}{{{{ {word} }}}}{{{{ end }}}}"))
    }

    fn chosen(&mut self, place: &Place, depth: usize) -> Tree {
        let kind = if self.random.percent(60) { "bool" } else { "any" };
        let condition = self.operand(kind, place, 2);
        let mut tree = Tree::leaf(Role::Statement, self.open().to_owned() + "if ").tree(condition).text(self.close());
        tree = tree.tree(self.body(place, depth - 1, 3));
        if self.random.percent(25) {
            let condition = self.operand("any", place, 1);
            tree = tree.text("{{ else if ").tree(condition).text(self.close()).tree(self.body(place, depth - 1, 2));
        }
        if self.random.percent(50) {
            tree = tree.text(self.open().to_owned() + "else" + self.close()).tree(self.body(place, depth - 1, 2));
        }
        tree.text(self.open().to_owned() + "end" + self.close())
    }

    fn with(&mut self, place: &Place, depth: usize) -> Tree {
        let kind = *self.random.pick(&["map", "text", "any", "list", "float"]);
        let subject = self.operand(kind, place, 2);
        let mut within = place.clone();
        within.dot = kind;
        let mut head = self.open().to_owned() + "with ";
        if self.random.percent(25) {
            self.names += 1;
            let name = format!("$w{}", self.names);
            head.push_str(&format!("{name} := "));
            within.variables.push((name, kind));
        }
        let mut tree = Tree::leaf(Role::Statement, head).tree(subject).text(self.close()).tree(self.body(&within, depth - 1, 3));
        if self.random.percent(20) {
            let subject = self.operand("any", place, 1);
            within.dot = "any";
            tree = tree.text("{{ else with ").tree(subject).text(" }}").tree(self.body(&within, depth - 1, 2));
        }
        if self.random.percent(30) {
            tree = tree.text("{{ else }}").tree(self.body(place, depth - 1, 2));
        }
        tree.text("{{ end }}")
    }

    fn range(&mut self, place: &Place, depth: usize) -> Tree {
        let kind = *self.random.pick(&["list", "map", "list", "strings", "small", "ints"]);
        let subject = self.operand(kind, place, 2);
        let mut within = place.clone();
        within.in_loop = true;
        within.dot = match kind {
            "strings" => "text",
            "small" | "ints" => "int",
            _ => "any",
        };
        let mut head = self.open().to_owned() + "range ";
        if self.random.percent(50) {
            self.names += 1;
            let (key, value) = (format!("$k{}", self.names), format!("$e{}", self.names));
            if kind != "small" && self.random.percent(60) {
                head.push_str(&format!("{key}, "));
                within.variables.push((key, if kind == "map" { "text" } else { "int" }));
            }
            head.push_str(&format!("{value} := "));
            within.variables.push((value, within.dot));
        }
        let mut tree = Tree::leaf(Role::Statement, head).tree(subject).text(self.close()).tree(self.body(&within, depth - 1, 3));
        if self.random.percent(30) {
            tree = tree.text("{{ else }}").tree(self.body(place, depth - 1, 2));
        }
        tree.text("{{- end }}")
    }

    /// A call of what the definitions hold.
    fn included(&mut self, place: &Place) -> Tree {
        let (name, given) = if self.includable > 1 && self.random.percent(50) && (place.root || place.dot == "root") {
            ("d.root", Tree::leaf(Role::Operand, if place.root { "$" } else { "." }))
        } else {
            ("d.any", self.operand("any", place, 1))
        };
        if self.random.percent(20) {
            return Tree::leaf(Role::Statement, format!("{{{{ template \"{name}\" ")).tree(given).text(" }}");
        }
        let after = *self.random.pick(&["", " | trim", " | nindent 2", " | quote", " | fromYaml", " | b64enc"]);
        Tree::leaf(Role::Statement, format!("{}include \"{name}\" ", self.open()))
            .tree(given)
            .tree(Tree::leaf(Role::Extra, after))
            .text(" }}")
    }

    /// A template that is written in place: `tpl`, `block`, or a definition that is called at once.
    fn inline(&mut self, place: &Place, depth: usize) -> Tree {
        self.names += 1;
        let nothing = Place { dot: "any", root: false, variables: Vec::new(), in_loop: false };
        if self.random.percent(50) {
            let root = if place.root { "$" } else { "." };
            let inside = if place.root || place.dot == "root" { Place { dot: "root", root: true, ..nothing } } else { nothing };
            let text = self.body(&inside, 0, 2).to_string();
            let literal = atoms::quoted(&mut self.random, &text);
            return Tree::leaf(Role::Statement, "{{ tpl ").tree(Tree::leaf(Role::Operand, literal)).text(format!(" {root} }}}}"));
        }
        let given = self.operand("any", place, 1);
        let inner = self.body(&nothing, depth - 1, 2);
        if place.in_loop || depth < 3 {
            let literal = atoms::literal(&mut self.random, "text").unwrap_or_default();
            return Tree::leaf(Role::Statement, format!("{{{{ tpl {literal} ")).tree(given).text(" }}");
        }
        Tree::leaf(Role::Statement, format!("{{{{ block \"b{}\" ", self.names)).tree(given).text(" }}").tree(inner).text("{{ end }}")
    }
}
