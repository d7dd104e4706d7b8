//! From the parts of a pattern to what matches them: which parts are matched at once, and which of them is looked for first.

use super::{
    Part, Stop,
    matcher::{Matcher, Tree, spend},
};

/// The matcher of a part, with what stands in it.
pub(super) fn build(part: &Part, steps: &mut u64) -> Result<Matcher, Stop> {
    spend(steps, 1)?;
    Ok(match part {
        Part::Nothing => Matcher::Nothing,
        Part::Text(text) => Matcher::Text(text.clone()),
        Part::One => Matcher::One,
        Part::Name => Matcher::Name,
        Part::Anything => Matcher::Anything,
        Part::Listed { not: false, letters } if letters.len() == 1 => Matcher::Text(letters.iter().collect()),
        Part::Listed { not, letters } => Matcher::Listed { not: *not, letters: letters.clone() },
        Part::Between { not, low, high } => Matcher::Between { not: *not, low: *low, high: *high },
        Part::Either(choices) => match with_common_parts_outside(choices, steps)? {
            Some(row) => build(&row, steps)?,
            None => {
                let mut choices = all(choices, steps)?;
                if choices.len() == 1 { choices.remove(0) } else { Matcher::Either(choices) }
            }
        },
        Part::Row(parts) if parts.is_empty() => Matcher::Nothing,
        Part::Row(parts) => simplified(in_a_row(glued_where_possible(all(parts, steps)?, steps)?, steps)?),
    })
}

fn all(parts: &[Part], steps: &mut u64) -> Result<Vec<Matcher>, Stop> {
    parts.iter().map(|part| build(part, steps)).collect()
}

/// Alternatives that begin or end with the same parts, with those parts around them. None where they do not.
fn with_common_parts_outside(choices: &[Part], steps: &mut u64) -> Result<Option<Part>, Stop> {
    let rows: Vec<&[Part]> = choices.iter().map(|choice| if let Part::Row(parts) = choice { parts.as_slice() } else { &[] }).collect();
    let (left, right) = common(&rows, steps)?;
    if left == 0 && right == 0 {
        return Ok(None);
    }
    let Some(first) = rows.first() else { return Ok(None) };
    let mut inner: Vec<Part> = Vec::new();
    for row in &rows {
        spend(steps, 1 + inner.len() as u64)?;
        let rest = row.get(left..row.len().saturating_sub(right)).unwrap_or(&[]);
        let rest = if rest.is_empty() { Part::Nothing } else { Part::Row(rest.to_vec()) };
        if !inner.contains(&rest) {
            inner.push(rest);
        }
    }
    let mut outer = Vec::new();
    if left > 0 {
        outer.push(Part::Row(first.iter().take(left).cloned().collect()));
    }
    match inner.as_slice() {
        [Part::Nothing] => {}
        [_] => outer.append(&mut inner),
        _ => outer.push(Part::Either(inner)),
    }
    if right > 0 {
        outer.push(Part::Row(first.iter().skip(first.len() - right).cloned().collect()));
    }
    Ok(Some(Part::Row(outer)))
}

/// How many parts all rows begin with, and how many they end with.
fn common(rows: &[&[Part]], steps: &mut u64) -> Result<(usize, usize), Stop> {
    let shortest = rows.iter().map(|row| row.len()).min().unwrap_or(0);
    let Some(place) = rows.iter().position(|row| row.len() == shortest).filter(|_| rows.len() > 1) else { return Ok((0, 0)) };
    let one = rows[place];
    let (mut left, mut right) = (0, 0);
    let (mut left_ends, mut right_ends) = (false, false);
    for at in 0..shortest {
        if left + right >= shortest || left_ends && right_ends {
            break;
        }
        let back = shortest - 1 - at;
        for (_, row) in rows.iter().enumerate().filter(|(other, _)| *other != place) {
            spend(steps, 1)?;
            left_ends |= one[at] != row[at];
            // from where both sides meet on, what both could have is the left's
            right_ends |= !left_ends && back <= at;
            right_ends |= one[back] != row[row.len() - shortest + back];
        }
        left += usize::from(!left_ends);
        right += usize::from(!right_ends);
    }
    Ok((left, right))
}

/// Neighbours that one matcher can stand for, put together: first the most of them, then again.
fn glued_where_possible(mut all: Vec<Matcher>, steps: &mut u64) -> Result<Vec<Matcher>, Stop> {
    loop {
        let mut best: Option<(usize, usize, Matcher)> = None;
        for from in 0..all.len() {
            for to in (from + 2..=all.len()).rev() {
                spend(steps, (to - from) as u64)?;
                let Some(one) = glued(&all[from..to]) else { continue };
                let is_better = best.as_ref().is_none_or(|(left, right, best)| {
                    let (old, new) = (best.length(), one.length());
                    old.is_some() && new.is_some() && new > old || right - left < to - from
                });
                if is_better {
                    best = Some((from, to, one));
                }
            }
        }
        let Some((from, to, one)) = best else { return Ok(all) };
        all.splice(from..to, [one]);
    }
}

/// The one matcher that several in a row are.
fn glued(all: &[Matcher]) -> Option<Matcher> {
    if all.len() < 2 {
        return None;
    }
    every(all).or_else(|| {
        let length = all.iter().map(Matcher::length).sum::<Option<usize>>()?;
        Some(Matcher::Row { length, parts: all.to_vec() })
    })
}

/// Several that want no more of the letters than how many there are, and which are not among them.
fn every(all: &[Matcher]) -> Option<Matcher> {
    let without = |matcher: &Matcher| match matcher {
        Matcher::Anything => Some(Vec::new()),
        Matcher::Name | Matcher::One => Some(vec!['/']),
        Matcher::Listed { not: true, letters } => Some(letters.clone()),
        _ => None,
    };
    let unwanted = without(all.first()?)?;
    if all.iter().any(|matcher| without(matcher).as_ref() != Some(&unwanted)) {
        return None;
    }
    let singles = all.iter().filter(|matcher| matches!(matcher, Matcher::One | Matcher::Listed { .. })).count();
    let is_open = singles < all.len();
    match (singles, unwanted.is_empty()) {
        (_, true) => return Some(Matcher::Anything),
        (0, false) => return Some(Matcher::Name),
        _ => {}
    }
    let mut parts = vec![Matcher::AtLeast(singles)];
    if !is_open {
        parts.push(Matcher::AtMost(singles));
    }
    parts.push(Matcher::Has { text: unwanted.into_iter().collect(), not: true });
    Some(Matcher::Every(parts))
}

/// Several in a row: the longest that has a length is looked for, and what is left and right of it is matched by the others.
fn in_a_row(all: Vec<Matcher>, steps: &mut u64) -> Result<Matcher, Stop> {
    spend(steps, all.len() as u64)?;
    if let [one] = all.as_slice() {
        return Ok(one.clone());
    }
    if let Some(one) = glued(&all) {
        return Ok(one);
    }
    // of those that are equally long the last
    let longest = all.iter().enumerate().filter_map(|(at, matcher)| Some((matcher.length()?, at))).max();
    let at = longest.map_or(0, |(_, at)| at);
    let side = |parts: &[Matcher], steps: &mut u64| if parts.is_empty() { Ok(None) } else { in_a_row(parts.to_vec(), steps).map(Some) };
    let (left, right) = (side(&all[..at], steps)?, side(&all[at + 1..], steps)?);
    Ok(Matcher::Tree(Box::new(Tree::new(all[at].clone(), left, right))))
}

/// A text and what stands beside it, as one matcher where there is one for it.
fn simplified(matcher: Matcher) -> Matcher {
    let Matcher::Tree(mut tree) = matcher else { return matcher };
    tree.left = tree.left.map(simplified);
    tree.right = tree.right.map(simplified);
    let Matcher::Text(text) = &tree.value else { return Matcher::Tree(tree) };
    let text = text.clone();
    match (&tree.left, &tree.right) {
        (None, None) => Matcher::Text(text),
        (Some(Matcher::Anything), Some(Matcher::Anything)) => Matcher::Has { text, not: false },
        (Some(Matcher::Anything), None) => Matcher::EndsWith(text),
        (None, Some(Matcher::Anything)) => Matcher::BeginsWith(text),
        (None, Some(Matcher::EndsWith(end))) => Matcher::BeginsAndEnds(text, end.clone()),
        (Some(Matcher::BeginsWith(begin)), None) => Matcher::BeginsAndEnds(begin.clone(), text),
        (Some(Matcher::Name), None) => Matcher::NameThen(text),
        (None, Some(Matcher::Name)) => Matcher::ThenName(text),
        _ => Matcher::Tree(tree),
    }
}
