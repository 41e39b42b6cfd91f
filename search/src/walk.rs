//! Walk: the leaves of a tree, nearest first.

use std::{cmp::Ordering, collections::BinaryHeap};

use crate::{
    ruler::Ruler,
    tree::{Branch, Tree},
};

/// What looks at leaves as they come.
pub(crate) trait Visitor {
    /// The bits of a leaf that are of interest; a leaf without any is not visited.
    fn bits(&self, leaf: usize) -> u64;
    /// Whether something that is `least` metres away at least may still be wanted.
    fn goes_on(&self, least: f64) -> bool;
    /// Whether nothing within `most` metres is wanted any more.
    fn is_past(&self, most: f64) -> bool;
    /// Looks at those of the `bits` of a leaf that may still be wanted; they are `least` metres away
    /// at least.
    fn visit(&mut self, leaf: usize, bits: u64, least: f64);
}

/// Leads `visitor` from leaf to leaf, the nearest first, until it does not go on.
pub(crate) fn walk(tree: &Tree, ruler: &Ruler, visitor: &mut impl Visitor) {
    let mut open = BinaryHeap::with_capacity(64);
    open.extend(tree.root().and_then(|root| waiting(tree, ruler, visitor, root)));
    while let Some(Waiting { least, branch, bits }) = open.pop() {
        if !visitor.goes_on(least) {
            return;
        }
        match Tree::split(branch) {
            Ok(halves) => {
                open.extend(
                    halves.into_iter().filter_map(|half| waiting(tree, ruler, visitor, half)),
                );
            }
            Err(leaf) => visitor.visit(leaf, bits, least),
        }
    }
}

/// A branch in the queue, unless there is nothing in it.
fn waiting(tree: &Tree, ruler: &Ruler, visitor: &impl Visitor, branch: Branch) -> Option<Waiting> {
    let (least, most) = ruler.span(tree.cell(branch));
    if !visitor.goes_on(least) || visitor.is_past(most) {
        return None;
    }
    let bits = match Tree::split(branch) {
        Ok(_) => u64::MAX,
        Err(leaf) => visitor.bits(leaf) & tree.filled(leaf),
    };
    (bits != 0).then_some(Waiting { least, branch, bits })
}

#[derive(Debug)]
struct Waiting {
    least: f64,
    branch: Branch,
    /// Of a leaf, what is of interest in it.
    bits: u64,
}

/// The nearest is the greatest: the queue gives it first.
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.least.total_cmp(&self.least)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}
