//! `parallel`: how many jobs of the plan a job of the file becomes, what each is called, and which variables it has.
//!
//! Facts from GitLab's documentation (`parallel:matrix`, `needs:parallel:matrix`, matrix expressions) and its source:
//! `Entry::Product::Matrix`, `Entry::Product::Variables`, `Normalizer::MatrixStrategy`, `Interpolation::MatrixInterpolator`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use penstock_model::JobName;

use super::job::Draft;
use super::parts;
use crate::plan::Variable;
use crate::reader::{Fields, Problems, integer, join, shown, told_if_misread};
use crate::yaml::{At, Is, Node, Value};

/// The most jobs of one `parallel` (GitLab's own bound).
const MAX_PARALLEL: usize = 200;
/// The most characters of a value and the most variables of an entry: with more, no name of a job has room for them.
const MAX_NAME: usize = 255;
/// The most jobs that the whole file may make, before its rules are asked.
const MAX_MEMBERS: usize = 2000;

/// `parallel`.
#[derive(Debug)]
pub(super) enum Parallel {
    /// So many jobs that are alike.
    Number(usize),
    /// One job for each combination.
    Matrix(Matrix),
    /// It cannot be read, which is told. Nobody knows which jobs there would be.
    Unread,
}

/// `matrix`: its entries one after the other, each with all combinations of its lists.
#[derive(Debug)]
pub(super) struct Matrix(Vec<Entry>);

/// An entry: its variables in the order of the file.
#[derive(Debug)]
struct Entry {
    at: At,
    variables: Vec<(Arc<str>, Vec<Arc<str>>)>,
}

/// One value for each variable of an entry.
#[derive(Clone, Debug)]
pub(super) struct Combination {
    /// The entry's place.
    pub(super) at: At,
    values: Vec<(Arc<str>, Arc<str>)>,
}

/// A job of the file as one of those that it becomes.
#[derive(Debug)]
pub(super) struct Member<'d> {
    pub(super) draft: &'d Draft,
    pub(super) name: JobName,
    /// Its number from 1, and how many there are; `None` without `parallel`.
    pub(super) place: Option<(usize, usize)>,
    pub(super) combination: Option<Combination>,
}

/// Reads `parallel` of a job.
pub(super) fn parallel(node: &Node, path: &str, problems: &mut Problems) -> Parallel {
    let read = if matches!(node.value, Value::Map(_)) {
        matrix(node, path, true, problems).map(Parallel::Matrix)
    } else {
        integer(node, 1..=200, path, problems).and_then(|number| usize::try_from(number).ok()).map(Parallel::Number)
    };
    read.unwrap_or(Parallel::Unread)
}

/// Reads `parallel` of an item of `needs`: combinations only.
pub(super) fn selection(node: &Node, path: &str, problems: &mut Problems) -> Option<Matrix> {
    if !matches!(node.value, Value::Map(_)) {
        let help = "write `parallel: {matrix: [{NAME: value}]}`, or need the job itself, which means all of them";
        problems.add(node.at, path, format!("combinations are expected here, not {}", node.kind()), help);
        return None;
    }
    matrix(node, path, false, problems)
}

/// `own` is whether these become the variables of jobs.
fn matrix(node: &Node, path: &str, own: bool, problems: &mut Problems) -> Option<Matrix> {
    let mut fields = Fields::of(node, path, problems)?;
    let path = fields.path_of("matrix");
    let given = fields.get("matrix");
    fields.finish(&[], problems);
    let Some(given) = given else {
        problems.add(node.at, &path, "`matrix` is missing", "write `matrix: [{NAME: [value, value]}]`");
        return None;
    };
    let Value::Seq(items) = &given.value else {
        problems.add(given.at, &path, format!("a matrix is a list of mappings, not {}", given.kind()), "start each mapping with `- `");
        return None;
    };
    let mut entries = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        entries.push(entry(item, &format!("{path}[{index}]"), own, problems)?);
    }
    let jobs = entries.iter().fold(0_usize, |sum, entry| sum.saturating_add(entry.combinations()));
    if jobs == 0 || jobs > MAX_PARALLEL {
        let message = format!("the matrix makes {jobs} jobs; 1 to {MAX_PARALLEL} are possible");
        problems.add(given.at, &path, message, "the lists of an entry multiply, the entries add up");
        return None;
    }
    Some(Matrix(entries))
}

fn entry(node: &Node, path: &str, own: bool, problems: &mut Problems) -> Option<Entry> {
    let Value::Map(entries) = &node.value else {
        let message = format!("an entry of a matrix is a mapping, not {}", node.kind());
        problems.add(node.at, path, message, "write `NAME: [value, value]` lines below the `-`");
        return None;
    };
    if entries.is_empty() || entries.len() > MAX_NAME / 2 {
        problems.add(node.at, path, format!("an entry has 1 to {} variables", MAX_NAME / 2), "give it some");
        return None;
    }
    let (mut variables, mut sound) = (Vec::with_capacity(entries.len()), true);
    for (key, given) in entries {
        let path = join(path, &key.text);
        sound &= parts::variable_name(key, &path, problems);
        let items: &[Node] = match &given.value {
            Value::Seq(items) => items,
            _ => std::slice::from_ref(given),
        };
        if items.is_empty() {
            let help = "give it a value, or remove the variable";
            problems.add(given.at, &path, "a list without values makes no job", help);
        }
        let values: Vec<Arc<str>> = items.iter().filter_map(|item| value(item, &key.text, &path, own, problems)).collect();
        sound &= !items.is_empty() && values.len() == items.len();
        variables.push((Arc::from(key.text.as_str()), values));
    }
    sound.then_some(Entry { at: node.at, variables })
}

/// A value as GitLab takes it: text or a whole number.
fn value(node: &Node, name: &str, path: &str, own: bool, problems: &mut Problems) -> Option<Arc<str>> {
    let Value::Scalar { text, is, .. } = &node.value else {
        let help = "write the values in one list; a list of another place is taken whole: `NAME: !reference […]`";
        problems.add(node.at, path, format!("text or a whole number is expected here, not {}", node.kind()), help);
        return None;
    };
    let other = match is {
        Is::Text | Is::Integer => None,
        Is::Null => Some("nothing"),
        Is::Bool(_) => Some("true or false"),
        Is::Float(_) => Some("a number with a fraction"),
    };
    if let Some(other) = other {
        let written = shown(node.misread().unwrap_or(text));
        let message = format!("text or a whole number is expected here, and GitLab reads `{written}` as {other}");
        problems.add(node.at, path, message, "put it in quotes");
        return None;
    }
    told_if_misread(node, path, problems);
    if text.chars().count() > MAX_NAME {
        problems.add(node.at, path, "the value is too long for the names of jobs, which hold it", "keep long text in a file");
        return None;
    }
    if own {
        parts::check_value(name, text, true, node.at, path, problems);
    }
    Some(Arc::clone(text))
}

impl Parallel {
    /// How many jobs it makes.
    pub(super) fn jobs(&self) -> usize {
        match self {
            Self::Number(number) => *number,
            Self::Matrix(matrix) => matrix.jobs(),
            Self::Unread => 0,
        }
    }
}

impl Matrix {
    /// How many combinations there are.
    pub(super) fn jobs(&self) -> usize {
        self.0.iter().map(Entry::combinations).sum()
    }

    /// All combinations in GitLab's order: the last variable of an entry changes fastest.
    pub(super) fn combinations(&self) -> impl Iterator<Item = Combination> {
        self.0.iter().flat_map(|entry| (0..entry.combinations()).map(|index| entry.combination(index)))
    }
}

impl Entry {
    fn combinations(&self) -> usize {
        self.variables.iter().fold(1, |product: usize, (_, values)| product.saturating_mul(values.len()))
    }

    fn combination(&self, mut index: usize) -> Combination {
        let mut values = Vec::with_capacity(self.variables.len());
        for (name, list) in self.variables.iter().rev() {
            // no list is empty, and the index is below their product
            values.push((Arc::clone(name), Arc::clone(&list[index % list.len()])));
            index /= list.len();
        }
        values.reverse();
        Combination { at: self.at, values }
    }
}

impl Combination {
    /// Its variables with their values, in the order of the file.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The name of a job with these values.
    pub(super) fn name(&self, job: &str) -> String {
        let values: Vec<&str> = self.values().map(|(_, value)| value).collect();
        format!("{job}: [{}]", values.join(", "))
    }

    /// Its variables as a job has them.
    pub(super) fn variables(&self) -> BTreeMap<String, Variable> {
        self.values().map(|(name, value)| (name.to_owned(), Variable { value: value.to_owned(), expand: true })).collect()
    }

    /// This one with the matrix expressions in its values filled in. The error is the name that `own` does not know.
    pub(super) fn filled(&self, own: Option<&Self>) -> Result<Self, String> {
        let values: Result<_, String> =
            self.values.iter().map(|(name, value)| Ok((Arc::clone(name), Arc::from(filled(value, own)?)))).collect();
        Ok(Self { at: self.at, values: values? })
    }
}

/// A text of `needs` with each `$[[ matrix.NAME ]]` as the value that the needing job has. The error is an unknown name.
pub(super) fn filled(text: &str, own: Option<&Combination>) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, inner)) = rest.split_once("$[[") {
        out.push_str(before);
        if let Some((name, after)) = expression(inner) {
            let value = own.and_then(|own| own.values().find(|(other, _)| *other == name));
            out.push_str(value.ok_or_else(|| name.to_owned())?.1);
            rest = after;
        } else {
            out.push_str("$[[");
            rest = inner;
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The name in ` matrix.NAME ]]`, and what comes after it.
fn expression(inner: &str) -> Option<(&str, &str)> {
    let named = inner.trim_start().strip_prefix("matrix.")?;
    let end = named.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(named.len());
    let (name, after) = named.split_at(end);
    Some((name, after.trim_start().strip_prefix("]]")?)).filter(|(name, _)| !name.is_empty())
}

impl Member<'_> {
    /// Where a variable stands, if its matrix has it.
    pub(super) fn place_of(&self, variable: &str) -> Option<At> {
        self.combination.as_ref().filter(|combination| combination.values().any(|(name, _)| name == variable)).map(|own| own.at)
    }

    /// The variables of the file that it alone has: the matrix's go over the job's.
    pub(super) fn variables(&self) -> BTreeMap<String, Variable> {
        let mut variables = self.draft.variables.clone();
        variables.extend(self.combination.iter().flat_map(Combination::variables));
        variables
    }
}

/// What each job of the file becomes. A job below a `parallel` one that has the name of one of its jobs takes its place, as
/// GitLab's documentation describes; every other pair of one name is told.
pub(super) fn members<'d>(drafts: &'d [Draft], problems: &mut Problems) -> Vec<Vec<Member<'d>>> {
    let mut all: Vec<Vec<Member<'d>>> = Vec::with_capacity(drafts.len());
    let mut owners: HashMap<String, usize> = HashMap::new();
    let mut count = 0;
    for (index, draft) in drafts.iter().enumerate() {
        count += draft.parallel.as_ref().map_or(1, Parallel::jobs);
        if count > MAX_MEMBERS {
            let message = format!("the file makes more than {MAX_MEMBERS} jobs with `parallel`");
            problems.add(draft.at, &draft.name, message, "use smaller ones");
            break;
        }
        let mut own: Vec<Member<'d>> = Vec::new();
        for (title, place, combination) in titles(draft) {
            let at = combination.as_ref().map_or(draft.at, |combination| combination.at);
            let Ok(name) = title.parse::<JobName>() else {
                let message = "with what `parallel` adds, the job's name is longer than 255 characters, or holds control characters";
                problems.add(at, &draft.name, message, "shorten it, or keep the text in a file");
                continue;
            };
            match owners.insert(title, index) {
                Some(before) if before != index && place.is_none() => all[before].retain(|member| member.name != name),
                Some(before) => {
                    let (message, help) = twice(&name, before == index, &drafts[before].name);
                    problems.add(at, &draft.name, message, help);
                }
                None => {}
            }
            own.push(Member { draft, name, place, combination });
        }
        all.push(own);
    }
    all
}

/// Two jobs of one name, of which GitLab would drop one without a word.
fn twice(name: &JobName, same: bool, other: &str) -> (String, &'static str) {
    let name = shown(name.as_str());
    if same {
        (format!("two combinations make a job `{name}`, and GitLab keeps one of them only"), "let their values differ")
    } else {
        (
            format!("this makes a job `{name}`, and `{}` made one already", shown(other)),
            "to replace a combination, write the job that does below it",
        )
    }
}

/// The names of the jobs that a job of the file becomes.
pub(super) fn titles(draft: &Draft) -> Vec<(String, Option<(usize, usize)>, Option<Combination>)> {
    let name = &draft.name;
    match &draft.parallel {
        None => vec![(name.clone(), None, None)],
        Some(Parallel::Unread) => Vec::new(),
        Some(Parallel::Number(total)) => {
            (1..=*total).map(|index| (format!("{name} {index}/{total}"), Some((index, *total)), None)).collect()
        }
        Some(Parallel::Matrix(matrix)) => {
            let total = matrix.jobs();
            let named = matrix.combinations().enumerate();
            named.map(|(index, combination)| (combination.name(name), Some((index + 1, total)), Some(combination))).collect()
        }
    }
}
