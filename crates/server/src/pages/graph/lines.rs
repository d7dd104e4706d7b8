//! Where the boxes of a job graph stand, and how its lines go around them.

use std::ops::Range;

pub(super) const WIDTH: usize = 168;
pub(super) const HEIGHT: usize = 32;
const GAP_X: usize = 52;
/// Room for three lines between two boxes.
const GAP_Y: usize = 12;
/// Above the jobs: the stage's name.
pub(super) const HEAD: usize = 30;
const MARGIN: usize = 14;
/// Between two lines that run beside each other, and between a line and a box.
const APART: usize = 3;
/// How far before a column a line has its height, and how far behind it keeps it.
const STRAIGHT: usize = 6;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) column: usize,
    pub(super) row: usize,
}

impl Place {
    pub(super) fn x(self) -> usize {
        MARGIN + self.column * (WIDTH + GAP_X)
    }
    pub(super) fn y(self) -> usize {
        HEAD + MARGIN + self.row * (HEIGHT + GAP_Y)
    }
    pub(super) fn right(self) -> usize {
        self.x() + WIDTH
    }
    pub(super) fn middle(self) -> usize {
        self.y() + HEIGHT / 2
    }
}

/// A line from a job to one that waits for it. Two points of one height are joined straight, others by a curve that
/// stays in the gutter between two columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line(Vec<(usize, usize)>);

impl Line {
    /// As SVG writes paths.
    pub(super) fn path(&self) -> String {
        let Some((x, y)) = self.0.first() else { return String::new() };
        let pieces = self.0.windows(2).map(|piece| match piece {
            [(_, before), (x, y)] if before == y => format!(" H{x}"),
            [(from, before), (x, y)] => {
                let bend = from.midpoint(*x);
                format!(" C{bend} {before} {bend} {y} {x} {y}")
            }
            _ => String::new(),
        });
        format!("M{x} {y}{}", pieces.collect::<String>())
    }
}

/// The stretch of a line that passes columns.
struct Lane {
    from: Place,
    to: Place,
    y: usize,
}

impl Lane {
    fn columns(from: Place, to: Place) -> Range<usize> {
        from.column + 1..to.column
    }

    /// Whether another line may not take this height. Lines of one job may share it: they part or meet there.
    fn bars(&self, from: Place, to: Place) -> bool {
        let (own, other) = (Self::columns(self.from, self.to), Self::columns(from, to));
        self.from != from && self.to != to && own.start < other.end && other.start < own.end
    }
}

/// Lays a line for each pair, of which the second stands in a later column. `rows` has the number of boxes of each column.
pub(super) fn lines(rows: &[usize], ends: &[(Place, Place)]) -> Vec<Line> {
    let mut lanes: Vec<Lane> = Vec::new();
    let mut line = |(from, to): &(Place, Place)| {
        let (from, to) = (*from, *to);
        let (start, end) = ((from.right(), from.middle()), (to.x(), to.middle()));
        let columns = Lane::columns(from, to);
        if columns.is_empty() {
            return Line(vec![start, end]);
        }
        let y = lane(rows, &lanes, from, to);
        lanes.push(Lane { from, to, y });
        let (first, last) = (Place { column: columns.start, row: 0 }, Place { column: columns.end - 1, row: 0 });
        Line(vec![start, (first.x() - STRAIGHT, y), (last.right() + STRAIGHT, y), end])
    };
    ends.iter().map(&mut line).collect()
}

/// The height on the shortest way at which no box and no other job's line is.
fn lane(rows: &[usize], lanes: &[Lane], from: Place, to: Place) -> usize {
    let passed = rows.get(Lane::columns(from, to)).unwrap_or_default().iter().max().copied().unwrap_or(0);
    let most = rows.iter().max().copied().unwrap_or(0);
    let below = |row: usize| Place { column: 0, row: row + 1 }.y() - GAP_Y / 2;
    // each with the middle that it is beside: of one gap the middle is taken first
    let between = (0..most).map(below).flat_map(|middle| [middle - APART, middle, middle + APART].map(|y| (middle, y)));
    let empty = (passed..most).map(|row| Place { column: 0, row }.middle()).map(|middle| (middle, middle));
    // one more than there are lines that could be in the way
    let under = (2..lanes.len() + 3).map(|number| below(most.saturating_sub(1)) + number * APART).map(|y| (y, y));
    let free = |(_, y): &(usize, usize)| !lanes.iter().any(|lane| lane.y == *y && lane.bars(from, to));
    let way = |(middle, y): &(usize, usize)| {
        let there = middle.abs_diff(from.middle());
        (there + middle.abs_diff(to.middle()), there, middle.abs_diff(*y))
    };
    between.chain(empty).chain(under).filter(free).min_by_key(way).map_or_else(|| from.middle(), |(_, y)| y)
}

/// How large a picture is that holds all of it.
pub(super) fn size(rows: &[usize], lines: &[Line]) -> (usize, usize) {
    let last = Place { column: rows.len().max(1) - 1, row: rows.iter().max().copied().unwrap_or(0).max(1) - 1 };
    let lowest = lines.iter().flat_map(|line| &line.0).map(|(_, y)| *y).max().unwrap_or(0);
    (last.right() + MARGIN, (last.y() + HEIGHT).max(lowest) + MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(rows: &[usize]) -> Vec<Place> {
        rows.iter().enumerate().flat_map(|(column, rows)| (0..*rows).map(move |row| Place { column, row })).collect()
    }

    /// Every line that there could be.
    fn all(places: &[Place]) -> Vec<(Place, Place)> {
        let later = |from: Place| places.iter().filter(move |to| to.column > from.column).map(move |to| (from, *to));
        places.iter().flat_map(|from| later(*from)).collect()
    }

    /// Four columns of one to three jobs each, and one picture as wide and high as pipelines get.
    fn worlds() -> Vec<Vec<usize>> {
        let small = (0..81).map(|number| [1, 3, 9, 27].map(|place| 1 + number / place % 3).to_vec());
        small.chain([vec![6, 1, 4, 5, 7], vec![1, 9, 0, 2, 9]]).collect()
    }

    #[test]
    fn no_line_passes_through_a_box_that_is_not_its_start_or_its_end() {
        for rows in worlds() {
            let (places, ends) = (places(&rows), all(&places(&rows)));
            for (line, (from, to)) in lines(&rows, &ends).iter().zip(&ends) {
                assert_eq!((line.0[0], *line.0.last().unwrap()), ((from.right(), from.middle()), (to.x(), to.middle())));
                // a curve never leaves the rectangle between its ends
                for piece in line.0.windows(2) {
                    let [(left, one), (right, other)] = [piece[0], piece[1]];
                    let (top, bottom) = (one.min(other), one.max(other));
                    for place in places.iter().filter(|place| *place != from && *place != to) {
                        let beside = right <= place.x() || place.right() <= left;
                        let apart = bottom + APART <= place.y() || place.y() + HEIGHT + APART <= top;
                        assert!(beside || apart, "{rows:?}: {from:?} to {to:?} meets {place:?}: {line:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn lines_of_different_jobs_never_lie_on_each_other() {
        for rows in worlds() {
            let ends = all(&places(&rows));
            let laid = lines(&rows, &ends);
            let stretches: Vec<_> = laid.iter().zip(&ends).filter(|(line, _)| line.0.len() == 4).collect();
            for (line, (from, to)) in &stretches {
                for (other, _) in stretches.iter().filter(|(_, ends)| ends.0 != *from && ends.1 != *to) {
                    let apart = line.0[2].0 <= other.0[1].0 || other.0[2].0 <= line.0[1].0;
                    assert!(apart || line.0[1].1 != other.0[1].1, "{rows:?}: {line:?} and {other:?}");
                }
            }
        }
    }

    #[test]
    fn a_line_takes_the_shortest_way_and_goes_straight_where_nothing_stands() {
        let [start, end] = [Place { column: 0, row: 1 }, Place { column: 2, row: 1 }];
        let over = |rows: &[usize]| lines(rows, &[(start, end)]).remove(0).path();
        assert_eq!(over(&[2, 1, 2]), "M182 104 H228 H408 H454");
        assert_eq!(over(&[2, 2, 2]), "M182 104 C205 104 205 82 228 82 H408 C431 82 431 104 454 104");
    }

    #[test]
    fn the_picture_holds_every_box_and_line() {
        for rows in worlds() {
            let places = places(&rows);
            let lines = lines(&rows, &all(&places));
            let (width, height) = size(&rows, &lines);
            assert!(places.iter().all(|place| place.right() < width && place.y() + HEIGHT < height), "{rows:?}");
            assert!(lines.iter().flat_map(|line| &line.0).all(|(x, y)| *x < width && *y < height), "{rows:?}");
        }
    }
}
