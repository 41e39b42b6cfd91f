//! Tree: which listings lie where.
//!
//! A kd-tree without pointers: slots are numbered in its order, 64 to a leaf, so that every branch
//! is a run of leaves. A question about a region comes back as a [`Cover`]: runs of leaves that lie
//! in it as a whole, and the leaves at its edge with those of their points that do.

use std::io::{self, Read, Write};

use domain::position::Position;

use crate::{
    bits::{BLOCK, Bits, Block, LEAF, Ranked, Sparse},
    checkpoint::{Reader, Writer, broken, check},
    query::Bbox,
    ruler::{Cell, Coarse, Ruler, UNITS, units},
    shape::{Outline, Relation},
};

/// Where the points of the first slots are.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Exact, by slot.
    at: Vec<Position>,
    /// In preorder: the left child of a branch comes next, the right one after all of the left.
    cells: Vec<Cell>,
    /// By leaf, in units of the tree.
    lat: Vec<[i32; LEAF]>,
    lon: Vec<[i32; LEAF]>,
}

/// A branch: its place among the cells, and its leaves from the first to before the last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch {
    cell: usize,
    from: usize,
    to: usize,
}

impl Branch {
    fn children(self) -> Option<[Self; 2]> {
        let leaves = self.to - self.from;
        if leaves < 2 {
            return None;
        }
        let middle = self.from + leaves / 2;
        let left = Self { cell: self.cell + 1, from: self.from, to: middle };
        let right = Self { cell: self.cell + 2 * (middle - self.from), from: middle, to: self.to };
        Some([left, right])
    }
}

impl Tree {
    /// The tree of `points`, and which of them has which slot.
    pub(crate) fn new(points: &[Position]) -> (Self, Vec<u32>) {
        let mut entries: Vec<Entry> = points
            .iter()
            .zip(0..)
            .map(|(at, index)| Entry { lat: units(at.lat()), lon: units(at.lon()), index })
            .collect();
        let leaves = points.len().div_ceil(LEAF);
        let mut cells = Vec::with_capacity((2 * leaves).saturating_sub(1));
        if leaves > 0 {
            grow(&mut entries, leaves, &mut cells);
        }
        let at = entries.iter().map(|entry| points[entry.index as usize]).collect();
        (Self::of(at, cells), entries.into_iter().map(|entry| entry.index).collect())
    }

    /// The tree of points that are in its order.
    fn of(at: Vec<Position>, cells: Vec<Cell>) -> Self {
        let coordinates = |of: fn(Position) -> f64| {
            let leaf = |leaf: &[Position]| {
                std::array::from_fn(|bit| units(of(*leaf.get(bit).unwrap_or(&leaf[0]))))
            };
            at.chunks(LEAF).map(leaf).collect()
        };
        Self { lat: coordinates(Position::lat), lon: coordinates(Position::lon), cells, at }
    }

    pub(crate) fn write_to(&self, to: &mut Writer<impl Write>) -> io::Result<()> {
        to.column(self.at.iter().map(|at| at.lat()))?;
        to.column(self.at.iter().map(|at| at.lon()))?;
        let side = |of: fn(&Cell) -> i32| self.cells.iter().map(of);
        to.column(side(|cell| cell.south))?;
        to.column(side(|cell| cell.west))?;
        to.column(side(|cell| cell.north))?;
        to.column(side(|cell| cell.east))
    }

    pub(crate) fn read_from(from: &mut Reader<impl Read>) -> io::Result<Self> {
        let lat: Vec<f64> = from.column()?;
        let lon: Vec<f64> = from.column_of(lat.len())?;
        let at = lat.into_iter().zip(lon).map(|(lat, lon)| Position::new(lat, lon));
        let at: Vec<_> = at.collect::<Result<_, _>>().map_err(|_| broken("a point is nowhere"))?;
        let south: Vec<i32> = from.column()?;
        let count = south.len();
        let leaves = at.len().div_ceil(LEAF);
        check(count == (2 * leaves).saturating_sub(1), "the tree has other branches")?;
        let sides = [from.column_of(count)?, from.column_of(count)?, from.column_of(count)?];
        let cell = |(at, south)| {
            let [west, north, east] = std::array::from_fn(|side: usize| sides[side][at]);
            Cell { south, west, north, east }
        };
        let cells = south.into_iter().enumerate().map(cell).collect();
        Ok(Self::of(at, cells))
    }

    /// How many slots have a point.
    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    /// The point of a slot, if it has one.
    pub(crate) fn at(&self, slot: u32) -> Option<Position> {
        self.at.get(slot as usize).copied()
    }

    pub(crate) fn root(&self) -> Option<Branch> {
        (!self.cells.is_empty()).then_some(Branch { cell: 0, from: 0, to: self.lat.len() })
    }

    pub(crate) fn cell(&self, branch: Branch) -> &Cell {
        &self.cells[branch.cell]
    }

    /// The two halves of a branch, or the number of its leaf.
    pub(crate) fn split(branch: Branch) -> Result<[Branch; 2], usize> {
        branch.children().ok_or(branch.from)
    }

    /// The bits of a leaf that are points.
    pub(crate) fn filled(&self, leaf: usize) -> u64 {
        let points = self.at.len().saturating_sub(leaf * LEAF).min(LEAF);
        u64::MAX.checked_shr(u32::try_from(LEAF - points).unwrap_or(64)).unwrap_or(0)
    }

    /// The slots that lie in `region`.
    pub(crate) fn cover(&self, region: &Region) -> Cover {
        match region {
            Region::Circle(circle) => self.cover_by(
                (),
                |(), cell| circle.relate(cell),
                |(), leaf| self.holding_circle(circle, leaf),
            ),
            Region::Box(bbox) => self.cover_by(
                (),
                |(), cell| relate_box(bbox, cell),
                |(), leaf| self.holding(leaf, self.filled(leaf), |at| bbox.holds(at)),
            ),
            Region::Outline(outline) => self.cover_by(
                outline.everything(),
                |scope, cell| outline.relate(scope, &cell.rect()),
                |scope, leaf| self.holding(leaf, self.filled(leaf), |at| outline.holds(scope, at)),
            ),
        }
    }

    /// What a branch still has to know of a region, its scope, narrows on the way down.
    fn cover_by<S: Clone>(
        &self,
        everything: S,
        relate: impl Fn(&S, &Cell) -> Relation<S>,
        holding: impl Fn(&S, usize) -> u64,
    ) -> Cover {
        let mut cover = Cover::default();
        let Some(root) = self.root() else { return cover };
        let mut open = Vec::with_capacity(32);
        open.push((root, everything));
        while let Some((branch, scope)) = open.pop() {
            match relate(&scope, self.cell(branch)) {
                Relation::Outside => {}
                Relation::Inside => self.take(branch, &mut cover),
                Relation::Crosses(scope) => match Self::split(branch) {
                    // The right half waits, so that leaves come in order.
                    Ok([left, right]) => open.extend([(right, scope.clone()), (left, scope)]),
                    Err(leaf) => cover.add_part(leaf, holding(&scope, leaf)),
                },
            }
        }
        cover
    }

    fn take(&self, branch: Branch, cover: &mut Cover) {
        let full = self.at.len() / LEAF;
        cover.add_run(branch.from, branch.to.min(full));
        if branch.to > full {
            cover.add_part(full, self.filled(full));
        }
    }

    /// Which of the points of a leaf that `asked` names are held.
    fn holding(&self, leaf: usize, asked: u64, holds: impl Fn(Position) -> bool) -> u64 {
        crate::bits::slots_of(leaf, asked)
            .filter(|slot| holds(self.at[*slot as usize]))
            .fold(0, |bits, slot| bits | 1 << (slot as usize % LEAF))
    }

    /// The bits of a leaf that may lie within `radius`, the one that `coarse` was made for.
    pub(crate) fn perhaps(&self, coarse: &Coarse, leaf: usize, radius: f64) -> u64 {
        below(&coarse.squares(&self.lat[leaf], &self.lon[leaf]), radius + coarse.error)
    }

    fn holding_circle(&self, circle: &Circle, leaf: usize) -> u64 {
        let filled = self.filled(leaf);
        let exact = |asked| self.holding(leaf, asked, |at| circle.holds(at));
        let Some(coarse) = &circle.coarse else { return exact(filled) };
        let squares = coarse.squares(&self.lat[leaf], &self.lon[leaf]);
        let surely = below(&squares, circle.radius - coarse.error) & filled;
        let perhaps = below(&squares, circle.radius + coarse.error) & filled;
        if surely == perhaps { surely } else { surely | exact(perhaps & !surely) }
    }
}

/// Which of `squares` are within `radius`.
fn below(squares: &[f32; LEAF], radius: f64) -> u64 {
    if radius < 0.0 {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "counted in the error of the measure")]
    let limit = wide::f32x8::splat((radius * radius) as f32);
    let (lanes, _) = squares.as_chunks::<8>();
    lanes.iter().zip(0_u32..).fold(0, |bits, (lane, at)| {
        let within = wide::f32x8::from(*lane).simd_le(limit).to_bitmask();
        bits | u64::from(within) << (8 * at)
    })
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    lat: i32,
    lon: i32,
    index: u32,
}

/// Orders `entries` into `leaves` leaves, and notes the cells of the branches.
fn grow(entries: &mut [Entry], leaves: usize, cells: &mut Vec<Cell>) {
    let cell = bound(entries);
    cells.push(cell);
    if leaves < 2 {
        return;
    }
    let middle = leaves / 2;
    let split = middle * LEAF;
    let height = f64::from(cell.north) - f64::from(cell.south);
    let mean = f64::midpoint(cell.north.into(), cell.south.into()) / UNITS;
    let width = (f64::from(cell.east) - f64::from(cell.west)) * mean.to_radians().cos();
    // By index last: equal points have one order on every node.
    if width > height {
        entries.select_nth_unstable_by_key(split, |entry| (entry.lon, entry.index));
    } else {
        entries.select_nth_unstable_by_key(split, |entry| (entry.lat, entry.index));
    }
    let (left, right) = entries.split_at_mut(split);
    grow(left, middle, cells);
    grow(right, leaves - middle, cells);
}

/// The box around points, a unit wider for what rounding moved.
fn bound(entries: &[Entry]) -> Cell {
    let mut cell = Cell { south: i32::MAX, west: i32::MAX, north: i32::MIN, east: i32::MIN };
    for entry in entries {
        cell.south = cell.south.min(entry.lat - 1);
        cell.north = cell.north.max(entry.lat + 1);
        cell.west = cell.west.min(entry.lon - 1);
        cell.east = cell.east.max(entry.lon + 1);
    }
    cell
}

/// Where something is asked for.
#[derive(Debug)]
pub(crate) enum Region {
    Circle(Circle),
    Box(Bbox),
    Outline(Outline),
}

/// Within metres of a point, edge included.
#[derive(Debug)]
pub(crate) struct Circle {
    ruler: Ruler,
    radius: f64,
    coarse: Option<Coarse>,
}

impl Circle {
    pub(crate) fn new(ruler: Ruler, radius: f64) -> Self {
        Self { ruler, radius, coarse: ruler.coarse(radius) }
    }

    fn relate(&self, cell: &Cell) -> Relation<()> {
        let (least, most) = self.ruler.span(cell);
        if least > self.radius {
            Relation::Outside
        } else if most <= self.radius {
            Relation::Inside
        } else {
            Relation::Crosses(())
        }
    }

    /// Whether it holds `at`: exact.
    fn holds(&self, at: Position) -> bool {
        let (metres, error) = self.ruler.quick(at);
        if (metres - self.radius).abs() > error {
            metres < self.radius
        } else {
            self.ruler.exact(at) <= self.radius
        }
    }
}

fn relate_box(bbox: &Bbox, cell: &Cell) -> Relation<()> {
    let rect = cell.rect();
    let corner = |lat: f64, lon: f64| {
        Position::new(lat.clamp(-90.0, 90.0), lon.clamp(-180.0, 180.0))
            .is_ok_and(|at| bbox.holds(at))
    };
    let outside_lat = rect.north < bbox.south || bbox.north < rect.south;
    let outside_lon = if bbox.west <= bbox.east {
        rect.east < bbox.west || bbox.east < rect.west
    } else {
        bbox.east < rect.west && rect.east < bbox.west
    };
    if outside_lat || outside_lon {
        return Relation::Outside;
    }
    // Where a box crosses the antimeridian, two corners inside it may have the gap between them.
    let gap = bbox.west > bbox.east && rect.west <= bbox.east && rect.east >= bbox.west;
    if !gap && corner(rect.south, rect.west) && corner(rect.north, rect.east) {
        return Relation::Inside;
    }
    Relation::Crosses(())
}

/// The slots that lie in a region.
#[derive(Debug, Default, Clone)]
pub(crate) struct Cover {
    /// Runs of leaves, from the first to before the last, ascending and apart.
    runs: Vec<(usize, usize)>,
    /// Leaves of which only some are in it.
    parts: Vec<(usize, u64)>,
}

impl Cover {
    /// All of `slots` slots.
    pub(crate) fn all(slots: usize) -> Self {
        let full = slots / LEAF;
        let mut cover = Self::default();
        cover.add_run(0, full);
        if !slots.is_multiple_of(LEAF) {
            cover.add_part(full, (1 << (slots % LEAF)) - 1);
        }
        cover
    }

    /// Runs of leaves that are in it whole, from the first to before the last.
    pub(crate) fn runs(&self) -> &[(usize, usize)] {
        &self.runs
    }

    /// The leaves of which only some slots are in it.
    pub(crate) fn parts(&self) -> &[(usize, u64)] {
        &self.parts
    }

    pub(crate) fn add_run(&mut self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        match self.runs.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ => self.runs.push((from, to)),
        }
    }

    pub(crate) fn add_part(&mut self, leaf: usize, bits: u64) {
        if bits != 0 {
            self.parts.push((leaf, bits));
        }
    }

    /// What is in both.
    pub(crate) fn and(&self, other: &Self, slots: usize) -> Self {
        let mut bits = self.bits(slots);
        bits.keep(&other.bits(slots));
        let parts = bits.leaves().iter().copied().enumerate().filter(|(_, word)| *word != 0);
        Self { runs: Vec::new(), parts: parts.collect() }
    }

    /// It as a set of `slots` slots.
    pub(crate) fn bits(&self, slots: usize) -> Bits {
        let mut bits = Bits::none(slots);
        for (from, to) in &self.runs {
            bits.leaves_mut()[*from..*to].fill(u64::MAX);
        }
        for (leaf, word) in &self.parts {
            bits.leaves_mut()[*leaf] = *word;
        }
        bits
    }

    /// Its leaves, each with the bits that are in it: runs first, then parts.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = (usize, u64)> {
        let runs =
            self.runs.iter().flat_map(|(from, to)| (*from..*to).map(|leaf| (leaf, u64::MAX)));
        runs.chain(self.parts.iter().copied())
    }

    /// Calls `f` with each block that has any of it, ascending, and the bits that are in it; blocks
    /// that are not `wanted` are passed by.
    pub(crate) fn each_block(
        &self,
        wanted: impl Fn(usize) -> bool,
        mut f: impl FnMut(usize, &mut Block),
    ) {
        let (mut runs, mut parts) = (&self.runs[..], &self.parts[..]);
        let mut first = 0;
        loop {
            let run = runs.first().map_or(usize::MAX, |(from, _)| first.max(*from));
            let part = parts.first().map_or(usize::MAX, |(leaf, _)| *leaf);
            let next = run.min(part);
            if next == usize::MAX {
                return;
            }
            let block = next / BLOCK;
            first = block * BLOCK;
            let end = first + BLOCK;
            let mut bits = [0; BLOCK];
            while let Some((from, to)) = runs.first().filter(|(from, _)| *from < end) {
                bits[first.max(*from) - first..end.min(*to) - first].fill(u64::MAX);
                if *to > end {
                    break;
                }
                runs = &runs[1..];
            }
            while let Some((leaf, word)) = parts.first().filter(|(leaf, _)| *leaf < end) {
                bits[leaf - first] = *word;
                parts = &parts[1..];
            }
            if wanted(block) {
                f(block, &mut bits);
            }
            first = end;
        }
    }

    pub(crate) fn holds(&self, slot: u32) -> bool {
        self.leaf(slot as usize / LEAF) >> (slot as usize % LEAF) & 1 == 1
    }

    /// The bits of a leaf that are in it.
    pub(crate) fn leaf(&self, leaf: usize) -> u64 {
        let run = self.runs.partition_point(|(_, to)| *to <= leaf);
        if self.runs.get(run).is_some_and(|(from, _)| *from <= leaf) {
            return u64::MAX;
        }
        let part = self.parts.binary_search_by_key(&leaf, |(leaf, _)| *leaf);
        part.map_or(0, |part| self.parts[part].1)
    }

    /// How many slots of `set` are in it; of all where there is none.
    pub(crate) fn count(&self, set: Option<&Ranked>) -> usize {
        match set {
            Some(set) => self.count_by(|from, to| set.count_in(from, to), |leaf| set.leaf(leaf)),
            None => self.count_by(|from, to| (to - from) * LEAF, |_| u64::MAX),
        }
    }

    /// How many slots of `set` are in it.
    pub(crate) fn count_of(&self, set: &Sparse) -> usize {
        self.count_by(|from, to| set.count_in(from, to), |leaf| set.leaf(leaf))
    }

    fn count_by(
        &self,
        in_run: impl Fn(usize, usize) -> usize,
        leaf: impl Fn(usize) -> u64,
    ) -> usize {
        let runs = self.runs.iter().map(|(from, to)| in_run(*from, *to));
        let parts = self.parts.iter().map(|(at, bits)| (leaf(*at) & bits).count_ones() as usize);
        runs.sum::<usize>() + parts.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn somewhere() -> impl Strategy<Value = Position> {
        // Crowded, so that points coincide and lie on edges.
        (-800..-780_i32, 11_000..11_050_i32).prop_map(|(lat, lon)| {
            Position::new(f64::from(lat) / 100.0, f64::from(lon) / 100.0).unwrap()
        })
    }

    fn found(tree: &Tree, order: &[u32], region: &Region) -> Vec<u32> {
        let bits = tree.cover(region).bits(tree.len());
        let mut found: Vec<u32> = bits.slots().map(|slot| order[slot as usize]).collect();
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn a_circle_holds_what_the_geodesic_says(
            points in prop::collection::vec(somewhere(), 0..400),
            centre in somewhere(), on in somewhere(),
        ) {
            // Exactly through a point: the edge belongs to the circle.
            let radius = centre.metres_to(on).max(1.0);
            let (tree, order) = Tree::new(&points);
            let region = Region::Circle(Circle::new(Ruler::new(centre), radius));
            let brute: Vec<u32> = (0..).zip(&points)
                .filter(|(_, at)| centre.metres_to(**at) <= radius)
                .map(|(index, _)| index).collect();
            let cover = tree.cover(&region);
            prop_assert_eq!(cover.count(None), brute.len());
            let mut blocks = Vec::new();
            cover.each_block(|_| true, |block, bits| {
                let leaves = bits.iter().enumerate().filter(|(_, word)| **word != 0);
                blocks.extend(leaves.map(|(leaf, word)| (block * BLOCK + leaf, *word)));
            });
            let mut leaves: Vec<(usize, u64)> = cover.leaves().collect();
            leaves.sort_unstable();
            prop_assert_eq!(blocks, leaves);
            prop_assert_eq!(found(&tree, &order, &region), brute);
        }

        #[test]
        fn a_box_holds_what_it_says(
            points in prop::collection::vec(somewhere(), 0..400),
            one in somewhere(), other in somewhere(),
        ) {
            let bbox = Bbox {
                west: one.lon(), east: other.lon(),
                south: one.lat().min(other.lat()), north: one.lat().max(other.lat()),
            };
            let (tree, order) = Tree::new(&points);
            let brute: Vec<u32> = (0..).zip(&points)
                .filter(|(_, at)| bbox.holds(**at)).map(|(index, _)| index).collect();
            prop_assert_eq!(found(&tree, &order, &Region::Box(bbox)), brute);
        }
    }

    #[test]
    fn all_is_every_slot() {
        for slots in [0, 1, 63, 64, 65, 300] {
            assert_eq!(Cover::all(slots).count(None), slots);
            assert_eq!(Cover::all(slots).bits(slots), Bits::all(slots));
        }
    }
}
