//! What waits for what, drawn: boxes and arrows in text, Mermaid, Graphviz. Knows nothing of pipelines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The directions of a line from left to right.
const LEVEL: u8 = 0b1010;
/// The directions of a line from above to below.
const UPRIGHT: u8 = 0b0101;
/// The longest label that is drawn.
const MAX_LABEL: usize = 40;

/// Things and the arrows between them. The arrows make no circle.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// What the boxes say.
    pub labels: Vec<String>,
    /// Arrows from one to another, by their places in `labels`.
    pub arrows: BTreeSet<(usize, usize)>,
}

impl Graph {
    /// For Mermaid.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        for (at, label) in self.labels.iter().enumerate() {
            // writing to a String cannot fail
            let _ = writeln!(out, "  j{at}[\"{}\"]", label.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;"));
        }
        for (from, to) in self.reduced() {
            let _ = writeln!(out, "  j{from} --> j{to}");
        }
        out
    }

    /// For Graphviz.
    pub fn dot(&self) -> String {
        let mut out = String::from("digraph pipeline {\n  rankdir=LR;\n  node [shape=box];\n");
        for (at, label) in self.labels.iter().enumerate() {
            let _ = writeln!(out, "  j{at} [label=\"{}\"];", label.replace('\\', "\\\\").replace('"', "\\\""));
        }
        for (from, to) in self.reduced() {
            let _ = writeln!(out, "  j{from} -> j{to};");
        }
        out + "}\n"
    }

    /// For a terminal: from left to right.
    pub fn text(&self) -> String {
        let layers = Layers::of(&self.labels, &self.reduced());
        // lines that would run into each other get rows of their own
        layers.draw(false).or_else(|| layers.draw(true)).unwrap_or_default()
    }

    /// The arrows that say something which the others do not.
    fn reduced(&self) -> BTreeSet<(usize, usize)> {
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); self.labels.len()];
        for (from, to) in self.arrows.iter().filter(|(from, to)| from.max(to) < &self.labels.len()) {
            next[*from].push(*to);
        }
        let mut reached: Vec<Option<BTreeSet<usize>>> = vec![None; self.labels.len()];
        for at in 0..self.labels.len() {
            reach(at, &next, &mut reached);
        }
        let behind = |at: usize| reached[at].as_ref();
        let needed = |from: usize, to: usize| !next[from].iter().any(|by| *by != to && behind(*by).is_some_and(|all| all.contains(&to)));
        self.arrows.iter().copied().filter(|(from, to)| from.max(to) < &self.labels.len() && needed(*from, *to)).collect()
    }
}

/// Everything behind a place, without it. Depth is bounded by the number of places.
fn reach(at: usize, next: &[Vec<usize>], reached: &mut [Option<BTreeSet<usize>>]) {
    let mut stack = vec![(at, false)];
    while let Some((at, done)) = stack.pop() {
        if reached[at].is_some() {
            continue;
        }
        if done {
            let all = next[at].iter().flat_map(|to| reached[*to].iter().flatten().copied().chain([*to])).collect();
            reached[at] = Some(all);
        } else {
            stack.push((at, true));
            stack.extend(next[at].iter().filter(|to| reached[**to].is_none()).map(|to| (*to, false)));
        }
    }
}

/// A box, or a line that passes a layer on its way to a later one.
struct Cell {
    label: Option<String>,
    /// Places in the next layer.
    next: Vec<usize>,
}

/// Places in columns, each arrow going to the next one.
struct Layers(Vec<Vec<Cell>>);

impl Layers {
    fn of(labels: &[String], arrows: &BTreeSet<(usize, usize)>) -> Self {
        let mut depth = vec![0_usize; labels.len()];
        // each round makes at least one place deeper, and none is deeper than there are places
        for _ in 0..labels.len() {
            let mut changed = false;
            for (from, to) in arrows {
                if depth[*to] <= depth[*from] {
                    depth[*to] = depth[*from] + 1;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let mut layers: Vec<Vec<Cell>> = Vec::new();
        layers.resize_with(depth.iter().max().map_or(0, |deepest| deepest + 1), Vec::new);
        let mut place = vec![0; labels.len()];
        for (at, label) in labels.iter().enumerate() {
            place[at] = layers[depth[at]].len();
            layers[depth[at]].push(Cell { label: Some(short(label)), next: Vec::new() });
        }
        for (from, to) in arrows {
            let mut at = place[*from];
            for layer in depth[*from]..depth[*to] {
                let last = layer + 1 == depth[*to];
                let next = if last { place[*to] } else { layers[layer + 1].len() };
                layers[layer][at].next.push(next);
                if !last {
                    layers[layer + 1].push(Cell { label: None, next: Vec::new() });
                }
                at = next;
            }
        }
        Self(layers)
    }

    /// Draws it; `None` if lines of different origin would lie on each other. `apart` gives every second column rows between those
    /// of the first.
    fn draw(&self, apart: bool) -> Option<String> {
        let row = |layer: usize, at: usize| if apart { at * 2 + layer % 2 } else { at };
        let mut canvas = Canvas::default();
        let mut x = 0;
        for (layer, cells) in self.0.iter().enumerate() {
            let width = cells.iter().filter_map(|cell| cell.label.as_ref()).map(|label| label.chars().count() + 4).max().unwrap_or(1);
            for (at, cell) in cells.iter().enumerate() {
                match &cell.label {
                    Some(label) => canvas.text(x, row(layer, at), &format!("[ {label} ]")),
                    None => canvas.line(x, row(layer, at), width),
                }
                let used = cell.label.as_ref().map_or(width, |label| label.chars().count() + 4);
                if !cell.next.is_empty() {
                    canvas.line(x + used, row(layer, at), width - used);
                }
            }
            x += width;
            // whatever goes to the same places goes by the same way
            let mut ways: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
            for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.next.is_empty()) {
                let mut next = cell.next.clone();
                next.sort_unstable();
                ways.entry(next).or_default().push(at);
            }
            if ways.is_empty() {
                continue;
            }
            let channel = ways.len() * 2 + 3;
            for (way, (targets, sources)) in ways.iter().enumerate() {
                let track = x + 1 + way * 2;
                let from: Vec<usize> = sources.iter().map(|at| row(layer, *at)).collect();
                let to: Vec<usize> = targets.iter().map(|at| row(layer + 1, *at)).collect();
                let arrow = |at: usize| self.0[layer + 1][at].label.is_some();
                canvas.way(way, x, track, x + channel, &from, &to)?;
                for at in targets {
                    canvas.tip(x + channel, row(layer + 1, *at), arrow(*at));
                }
            }
            x += channel;
        }
        Some(canvas.shown())
    }
}

/// Characters, and lines that become characters where they meet.
#[derive(Default)]
struct Canvas {
    texts: BTreeMap<(usize, usize), char>,
    /// Directions of lines (1 up, 2 right, 4 down, 8 left) and the way that they are of.
    lines: BTreeMap<(usize, usize), (u8, Option<usize>)>,
    rows: usize,
}

impl Canvas {
    fn text(&mut self, x: usize, y: usize, text: &str) {
        self.rows = self.rows.max(y + 1);
        self.texts.extend(text.chars().enumerate().map(|(at, c)| ((y, x + at), c)));
    }

    fn line(&mut self, x: usize, y: usize, width: usize) {
        self.rows = self.rows.max(y + 1);
        self.texts.extend((x..x + width).map(|x| ((y, x), '─')));
    }

    /// A way from some rows to others: out to its track, along it, and in. `None` where another way goes along the same row.
    fn way(&mut self, way: usize, left: usize, track: usize, right: usize, from: &[usize], to: &[usize]) -> Option<()> {
        let all = || from.iter().chain(to).copied();
        let (top, bottom) = (all().min()?, all().max()?);
        self.rows = self.rows.max(bottom + 1);
        for y in top..=bottom {
            let up = u8::from(y > top);
            let down = if y < bottom { 4 } else { 0 };
            self.mark(way, track, y, up | down, false)?;
        }
        for y in from {
            (left..track).try_for_each(|x| self.mark(way, x, *y, LEVEL, false))?;
            self.mark(way, track, *y, 8, false)?;
        }
        for y in to {
            self.mark(way, track, *y, 2, false)?;
            // ways to one place may become one
            (track + 1..right).try_for_each(|x| self.mark(way, x, *y, LEVEL, true))?;
        }
        Some(())
    }

    fn mark(&mut self, way: usize, x: usize, y: usize, directions: u8, joins: bool) -> Option<()> {
        if directions == 0 {
            return Some(());
        }
        let (drawn, owner) = self.lines.entry((y, x)).or_insert((0, Some(way)));
        let across = |one: u8, other: u8| (one & LEVEL == 0 && other & UPRIGHT == 0) || (one & UPRIGHT == 0 && other & LEVEL == 0);
        match *owner {
            Some(other) if other == way => *drawn |= directions,
            // they cross: what goes up and down is shown
            _ if across(*drawn, directions) && *drawn != 0 => *drawn = UPRIGHT,
            _ if joins => (*drawn, *owner) = (*drawn | directions, None),
            _ => return None,
        }
        Some(())
    }

    fn tip(&mut self, right: usize, y: usize, arrow: bool) {
        self.text(right - 1, y, if arrow { "▶" } else { "─" });
    }

    fn shown(&self) -> String {
        let mut out = String::new();
        for y in 0..self.rows {
            let mut cells: BTreeMap<usize, char> =
                self.lines.range((y, 0)..(y + 1, 0)).map(|((_, x), (directions, _))| (*x, joint(*directions))).collect();
            cells.extend(self.texts.range((y, 0)..(y + 1, 0)).map(|((_, x), c)| (*x, *c)));
            let width = cells.keys().next_back().map_or(0, |last| last + 1);
            let line: String = (0..width).map(|x| cells.get(&x).copied().unwrap_or(' ')).collect();
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// The character of lines that meet.
fn joint(directions: u8) -> char {
    match directions {
        3 => '└',
        6 => '┌',
        9 => '┘',
        12 => '┐',
        7 => '├',
        13 => '┤',
        11 => '┴',
        14 => '┬',
        15 => '┼',
        1 | 4 | 5 => '│',
        _ => '─',
    }
}

fn short(label: &str) -> String {
    let plain: String = label.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if plain.chars().count() <= MAX_LABEL { plain } else { plain.chars().take(MAX_LABEL - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(labels: &[&str], arrows: &[(usize, usize)]) -> Graph {
        Graph { labels: labels.iter().map(|label| (*label).to_owned()).collect(), arrows: arrows.iter().copied().collect() }
    }

    #[track_caller]
    fn check(labels: &[&str], arrows: &[(usize, usize)], expected: &str) {
        let drawn = graph(labels, arrows).text();
        assert_eq!(drawn, expected, "\n{drawn}");
    }

    #[test]
    fn a_chain_is_a_line() {
        check(&["a", "bc", "d"], &[(0, 1), (1, 2), (0, 2)], "[ a ]────▶[ bc ]────▶[ d ]\n");
    }

    #[test]
    fn what_stands_alone_is_a_box() {
        check(&["a", "b"], &[], "[ a ]\n[ b ]\n");
        check(&[], &[], "");
    }

    #[test]
    fn many_wait_for_many() {
        check(&["a", "bb", "c", "d"], &[(0, 2), (0, 3), (1, 2), (1, 3)], "[ a ]──┬──▶[ c ]\n[ bb ]─┴──▶[ d ]\n");
    }

    #[test]
    fn no_drawing_of_a_random_graph_fails_or_loses_a_box() {
        let mut seed = 1_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..300 {
            let count = 1 + random(12);
            let labels: Vec<String> = (0..count).map(|at| format!("job{at}")).collect();
            let mut arrows = BTreeSet::new();
            for _ in 0..random(25) {
                let (from, to) = (random(count), random(count));
                if from < to {
                    arrows.insert((usize::try_from(from).unwrap(), usize::try_from(to).unwrap()));
                }
            }
            let drawn = Graph { labels: labels.clone(), arrows: arrows.clone() }.text();
            for label in &labels {
                assert!(drawn.contains(&format!("[ {label} ]")), "{label} of {arrows:?}:\n{drawn}");
            }
        }
    }

    #[test]
    fn mermaid_and_graphviz_leave_out_what_follows() {
        let graph = graph(&["a", "b\"x", "c"], &[(0, 1), (1, 2), (0, 2)]);
        assert_eq!(graph.mermaid(), "flowchart LR\n  j0[\"a\"]\n  j1[\"b&quot;x\"]\n  j2[\"c\"]\n  j0 --> j1\n  j1 --> j2\n");
        assert!(graph.dot().contains("j1 [label=\"b\\\"x\"];\n") && !graph.dot().contains("j0 -> j2"));
    }
}
