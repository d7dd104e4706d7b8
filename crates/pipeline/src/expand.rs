//! `$NAME` and `${NAME}` in GitLab's variables: precedence by layers, expansion with bounds.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use penstock_model::Secret;

use crate::plan::Variable;
use crate::project_variables::MASK;

/// How deep variables may refer to each other.
const MAX_DEPTH: usize = 32;
/// How long an expanded text may be.
const MAX_EXPANDED: usize = 256 << 10;

/// A variable before expansion.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    /// As it is: a predefined value, a dotenv value, `expand: false`.
    Literal(String),
    /// `$NAME` in it stands for another variable.
    Template(String),
    /// As it is, and not to be seen.
    Hidden(Secret),
}

/// A variable after expansion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expanded {
    pub(crate) text: String,
    /// Whether a secret went into it.
    pub(crate) secret: bool,
}

/// Why variables cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unexpandable {
    /// They refer to each other in a circle.
    Circle(Vec<String>),
    /// Too deep.
    Deep(String),
    /// Too long.
    Long(String),
    /// Too many.
    Many(usize),
}

impl Unexpandable {
    /// The variable at fault, what is wrong, what to do.
    pub(crate) fn explain(&self) -> (&str, String, String) {
        match self {
            Self::Circle(names) => (
                &names[0],
                format!("variables refer to each other in a circle: {}", names.join(" -> ")),
                "give one of them a value of its own".to_owned(),
            ),
            Self::Deep(name) => (name, format!("variables refer to each other more than {MAX_DEPTH} deep"), "flatten them".to_owned()),
            Self::Many(most) => ("", format!("a job sees more than {most} variables"), "keep large sets in a file".to_owned()),
            Self::Long(name) => (name, format!("`{name}` expands to more than {} KiB", MAX_EXPANDED >> 10), "shorten it".to_owned()),
        }
    }
}

impl Expanded {
    /// A text in which nothing stands for something else.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), secret: false }
    }

    /// Goes on with a value, or else with what stands for it.
    fn add(&mut self, value: Option<&Self>, otherwise: &str) {
        self.text.push_str(value.map_or(otherwise, |value| &value.text));
        self.secret |= value.is_some_and(|value| value.secret);
    }

    /// The text for people.
    pub(crate) fn shown(&self) -> &str {
        if self.secret { MASK } else { &self.text }
    }
}

/// Values by the names of their variables.
pub(crate) trait Values {
    /// The value of a variable, if there is one of this name.
    fn value(&self, name: &str) -> Option<&Expanded>;
}

impl Values for BTreeMap<String, Expanded> {
    fn value(&self, name: &str) -> Option<&Expanded> {
        self.get(name)
    }
}

/// Values over others that are shared by many.
pub(crate) struct Over<'b> {
    below: &'b dyn Values,
    own: BTreeMap<String, Expanded>,
}

impl<'b> Over<'b> {
    pub(crate) fn new(below: &'b dyn Values, own: impl IntoIterator<Item = (String, Expanded)>) -> Self {
        Self { below, own: own.into_iter().collect() }
    }
}

impl Values for Over<'_> {
    fn value(&self, name: &str) -> Option<&Expanded> {
        self.own.get(name).or_else(|| self.below.value(name))
    }
}

static NOTHING: BTreeMap<String, Expanded> = BTreeMap::new();

/// Variables in layers: a name set again covers its former value, which only the new value itself can still refer to.
#[derive(Clone, Debug)]
pub(crate) struct Scope<'b> {
    /// The lowest layer: plain values, which many scopes share.
    below: &'b BTreeMap<String, Expanded>,
    layers: BTreeMap<String, Vec<Raw>>,
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self::over(&NOTHING)
    }
}

impl<'b> Scope<'b> {
    /// Nothing is set yet but these plain values.
    pub(crate) fn over(below: &'b BTreeMap<String, Expanded>) -> Self {
        Self { below, layers: BTreeMap::new() }
    }

    /// Sets a variable over whatever was set before.
    pub(crate) fn set(&mut self, name: impl Into<String>, raw: Raw) {
        self.layers.entry(name.into()).or_default().push(raw);
    }

    /// Sets a variable below whatever was set before.
    pub(crate) fn set_below(&mut self, name: impl Into<String>, raw: Raw) {
        self.layers.entry(name.into()).or_default().insert(0, raw);
    }

    /// Sets plain values over whatever was set before.
    pub(crate) fn literals(&mut self, values: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in values {
            self.set(name, Raw::Literal(value));
        }
    }

    /// Sets variables of the pipeline file over whatever was set before.
    pub(crate) fn variables<'v>(&mut self, values: impl IntoIterator<Item = (&'v String, &'v Variable)>) {
        for (name, variable) in values {
            let value = variable.value.clone();
            self.set(name.clone(), if variable.expand { Raw::Template(value) } else { Raw::Literal(value) });
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.below.len() + self.layers.keys().filter(|name| !self.below.contains_key(*name)).count()
    }

    /// Expands every variable.
    pub(crate) fn expand(&self) -> Result<Over<'b>, Unexpandable> {
        let mut known = BTreeMap::new();
        let values = self.layers.iter().map(|(name, layers)| {
            let value = self.value(name, layers.len(), &mut known, &mut Vec::new())?;
            Ok((name.clone(), value))
        });
        Ok(Over { below: self.below, own: values.collect::<Result<_, _>>()? })
    }

    /// Expands every variable; those that cannot be expanded stay as they are. For a job that starts: what the plan checked
    /// can only fail here by what another job left.
    pub(crate) fn expand_or_keep(&self) -> BTreeMap<String, Expanded> {
        let mut known = BTreeMap::new();
        let mut out = self.below.clone();
        for (name, layers) in &self.layers {
            let value = self.value(name, layers.len(), &mut known, &mut Vec::new()).unwrap_or_else(|_| match layers.last() {
                Some(Raw::Literal(text) | Raw::Template(text)) => Expanded::plain(text),
                Some(Raw::Hidden(secret)) => Expanded { text: secret.expose().to_owned(), secret: true },
                None => Expanded::default(),
            });
            out.insert(name.clone(), value);
        }
        out
    }

    fn value<'s>(
        &'s self,
        name: &'s str,
        level: usize,
        known: &mut BTreeMap<(&'s str, usize), Expanded>,
        open: &mut Vec<(&'s str, usize)>,
    ) -> Result<Expanded, Unexpandable> {
        let text = match level.checked_sub(1).and_then(|index| self.layers.get(name)?.get(index)) {
            // most are plain values and refer to nothing
            None => return Ok(self.below.get(name).cloned().unwrap_or_default()),
            Some(Raw::Literal(text)) => return Ok(Expanded::plain(text)),
            Some(Raw::Hidden(secret)) => return Ok(Expanded { text: secret.expose().to_owned(), secret: true }),
            Some(Raw::Template(text)) => text,
        };
        if let Some(value) = known.get(&(name, level)) {
            return Ok(value.clone());
        }
        if let Some(start) = open.iter().position(|&entry| entry == (name, level)) {
            let names = open[start..].iter().map(|(name, _)| *name).chain([name]);
            return Err(Unexpandable::Circle(names.map(str::to_owned).collect()));
        }
        if open.len() >= MAX_DEPTH {
            return Err(Unexpandable::Deep(name.to_owned()));
        }
        open.push((name, level));
        let mut value = Expanded::default();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => value.text.push_str(text),
                Piece::Name(other, _) => {
                    let layers = self.layers.get(other).map_or(0, Vec::len);
                    let part = self.value(other, if other == name { level - 1 } else { layers }, known, open)?;
                    value.text.push_str(&part.text);
                    value.secret |= part.secret;
                }
            }
            if value.text.len() > MAX_EXPANDED {
                return Err(Unexpandable::Long(name.to_owned()));
            }
        }
        open.pop();
        known.insert((name, level), value.clone());
        Ok(value)
    }
}

/// Expands a text with known values; an unknown name stands for nothing. A text that becomes too long stays as it was.
pub(crate) fn expand(text: &str, values: &dyn Values) -> Expanded {
    let mut out = Expanded::default();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.text.push_str(text),
            Piece::Name(name, _) => {
                if let Some(value) = values.value(name) {
                    out.text.push_str(&value.text);
                    out.secret |= value.secret;
                }
            }
        }
        if out.text.len() > MAX_EXPANDED {
            return Expanded::plain(text);
        }
    }
    out
}

/// As [`expand`], for people: where a masked value would stand, it says so.
pub(crate) fn expand_shown(text: &str, values: &dyn Values) -> String {
    let mut out = String::new();
    for piece in pieces(text) {
        out.push_str(match piece {
            Piece::Text(text) => text,
            Piece::Name(name, _) => values.value(name).map_or("", |value| if value.secret { MASK } else { &value.text }),
        });
        if out.len() > MAX_EXPANDED {
            return text.to_owned();
        }
    }
    out
}

/// As [`expand`], but an unknown name stays as it is written, as GitLab has it in patterns of paths.
pub(crate) fn expand_known(text: &str, values: &dyn Values) -> Expanded {
    let mut out = Expanded::default();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.text.push_str(text),
            Piece::Name(name, written) => out.add(values.value(name), written),
        }
        if out.text.len() > MAX_EXPANDED {
            return Expanded::plain(text);
        }
    }
    out
}

/// Expands `$NAME`, `${NAME}` and `%NAME%` as GitLab's server does while it gathers files: a doubled dollar is nothing special,
/// and what is expanded is not expanded again. An unknown name stays as it is written, or stands for nothing.
pub(crate) fn expand_as_rails(text: &str, values: &dyn Values, keep_unknown: bool) -> Expanded {
    let mut out = Expanded::default();
    let mut rest = text;
    while let Some(place) = rest.find(['$', '%']) {
        let (before, from) = rest.split_at(place);
        out.text.push_str(before);
        let inner = &from[1..];
        let closed = |inner: &str, close: char| {
            let len = name_len(inner);
            (len > 0 && inner[len..].starts_with(close)).then_some(len)
        };
        let found = if from.starts_with('%') {
            closed(inner, '%').map(|len| (&inner[..len], len + 2))
        } else if let Some(inner) = inner.strip_prefix('{') {
            closed(inner, '}').map(|len| (&inner[..len], len + 3))
        } else {
            Some(name_len(inner)).filter(|len| *len > 0).map(|len| (&inner[..len], len + 1))
        };
        let (value, otherwise, len) = match found {
            Some((name, len)) => (values.value(name), if keep_unknown { &from[..len] } else { "" }, len),
            None => (None, &from[..1], 1),
        };
        out.add(value, otherwise);
        if out.text.len() > MAX_EXPANDED {
            return Expanded::plain(text);
        }
        rest = &from[len..];
    }
    out.text.push_str(rest);
    out
}

/// The names that a text refers to.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Name(name, _) => Some(name),
        Piece::Text(_) => None,
    })
}

enum Piece<'t> {
    Text(&'t str),
    /// A name, and the whole reference to it.
    Name(&'t str, &'t str),
}

/// Cuts a text at `$NAME`, `${NAME}` and `$$` (a dollar sign). Any other `$` is itself.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, after) = (&rest[..dollar], &rest[dollar + 1..]);
        out.push(Piece::Text(before));
        let braced = after.strip_prefix('{').and_then(|inner| {
            let name = &inner[..name_len(inner)];
            (!name.is_empty() && inner[name.len()..].starts_with('}')).then_some((name, name.len() + 2))
        });
        let bare = Some(&after[..name_len(after)]).filter(|name| !name.is_empty()).map(|name| (name, name.len()));
        if let Some(escaped) = after.strip_prefix('$') {
            out.push(Piece::Text("$"));
            rest = escaped;
        } else if let Some((name, len)) = braced.or(bare) {
            out.push(Piece::Name(name, &rest[dollar..=dollar + len]));
            rest = &after[len..];
        } else {
            out.push(Piece::Text("$"));
            rest = after;
        }
    }
    out.push(Piece::Text(rest));
    out
}

/// The length of the name that a text starts with.
fn name_len(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
}
