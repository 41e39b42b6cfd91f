//! Meaning: the listings of a segment that a word of a query stands for, each with how much the
//! word counts there.
//!
//! It is made of two layers: what the texts of listings say, and the categories and areas that the
//! word names. What many words share of them is made once.

use std::sync::Arc;

use crate::{
    bits::{Block, LEAF},
    fields::Field,
    gazetteer::Named,
    layer::{Layer, Source},
    segment::Segment,
    words::{Expansion, Word},
};

/// Weights are kept in steps of a fiftieth: the greatest, 5, is 250.
const STEPS: f32 = 50.0;

/// A layer of more entries than this is kept for whatever leads to it again.
const WORTH_KEEPING: usize = 1024;

/// What one word stands for.
#[derive(Debug)]
pub(crate) struct Meaning {
    layers: Vec<Arc<Layer>>,
    /// Whether what is strong in a layer is where the word counts most.
    counts: Vec<bool>,
    /// How many listings have it.
    count: usize,
    /// The greatest weight, and the greatest below those that are strong.
    pub(crate) most: f64,
    pub(crate) weakly: f64,
}

impl Meaning {
    /// What `word` stands for; `elsewhere` says in how many documents the other segments know it.
    pub(crate) fn new(
        segment: &Segment,
        word: &Word,
        elsewhere: u32,
        named: &[(&Named, f32)],
    ) -> Self {
        let own = own_layer(segment, &segment.lexicon.expand(word, elsewhere), Field::Summary);
        Self::of([Some(own), wide_layer(segment, named)].into_iter().flatten().collect())
    }

    /// What it stands for in names alone.
    pub(crate) fn in_names(segment: &Segment, word: &Word) -> Self {
        Self::of(vec![own_layer(segment, &segment.lexicon.expand(word, 0), Field::LongName)])
    }

    fn of(layers: Vec<Arc<Layer>>) -> Self {
        let most = layers.iter().map(|layer| layer.most).max().unwrap_or(0);
        // What is strong in a layer of little weight is not so beside one of great weight.
        let counts = layers.iter().map(|layer| layer.is_strong_beside(most)).collect::<Vec<_>>();
        let weakly = layers.iter().zip(&counts);
        let weakly = weakly.map(|(layer, counts)| if *counts { layer.weakly } else { layer.most });
        let count = match &layers[..] {
            [own, wide] => own.any.count() + wide.any.count() - own.any.overlap(&wide.any),
            layers => layers.iter().map(|layer| layer.any.count()).sum(),
        };
        let weakly = value(weakly.max().unwrap_or(0));
        Self { most: value(most), weakly, layers, counts, count }
    }

    /// How many listings have it.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn holds(&self, slot: u32) -> bool {
        self.layers.iter().any(|layer| layer.any.holds(slot))
    }

    /// The bits of a leaf that have it at all.
    pub(crate) fn any(&self, leaf: usize) -> u64 {
        self.layers.iter().fold(0, |any, layer| any | layer.any.leaf(leaf))
    }

    /// The bits of a leaf that have it where it counts most.
    pub(crate) fn strong(&self, leaf: usize) -> u64 {
        self.strong_layers().fold(0, |strong, layer| strong | layer.strong_leaf(leaf))
    }

    fn strong_layers(&self) -> impl Iterator<Item = &Layer> {
        let layers = self.layers.iter().zip(&self.counts);
        layers.filter(|(_, counts)| **counts).map(|(layer, _)| &**layer)
    }

    /// Whether a leaf of a block has it.
    pub(crate) fn is_in_block(&self, block: usize) -> bool {
        self.layers.iter().any(|layer| layer.any.is_in_block(block))
    }

    /// The bits of a block that have it at all.
    pub(crate) fn any_block(&self, block: usize) -> Block {
        let mut words = [0; crate::bits::BLOCK];
        self.layers.iter().for_each(|layer| layer.any.add_block(block, &mut words));
        words
    }

    /// The bits of a block that have it at all, and where it counts most; `None` where none has.
    pub(crate) fn in_block(&self, block: usize) -> Option<(Block, Block)> {
        if !self.is_in_block(block) {
            return None;
        }
        let mut strong = [0; crate::bits::BLOCK];
        self.strong_layers().for_each(|layer| layer.add_strong(block, &mut strong));
        Some((self.any_block(block), strong))
    }

    /// What the word counts for the listings of a leaf, in steps; `None` where none has it.
    pub(crate) fn weights_of(&self, leaf: usize) -> Option<[u8; LEAF]> {
        let mut weights = None;
        for layer in &self.layers {
            layer.add_leaf(leaf, &mut weights);
        }
        weights
    }

    /// What the word counts for a listing; 0 where it has it not.
    pub(crate) fn weight(&self, slot: u32) -> f64 {
        value(self.layers.iter().map(|layer| layer.weight(slot)).max().unwrap_or(0))
    }

    /// The slots of its texts where it counts most, some dozens; of equals the first.
    pub(crate) fn heaviest(&self) -> &[u32] {
        self.layers.first().map_or(&[], |own| own.heaviest())
    }

    /// The slots of its texts, ascending.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.layers.first().into_iter().flat_map(|own| own.any.slots())
    }

    /// Its size in memory, bytes, what others share included.
    pub(crate) fn bytes(&self) -> usize {
        64 + self.layers.iter().map(|layer| layer.bytes()).sum::<usize>()
    }
}

/// What the texts of listings say, down to field `last`.
fn own_layer(segment: &Segment, found: &[Expansion], last: Field) -> Arc<Layer> {
    let sources: Vec<Source<'_>> = found
        .iter()
        .flat_map(|one| {
            let mut weights = [0; 8];
            for field in Field::ALL.into_iter().filter(|field| *field <= last) {
                weights[field as usize] = step(field.weight() * one.factor);
            }
            segment.entries(one.term, last).map(move |entries| Source::Entries(entries, weights))
        })
        .filter(|source| source.len() > 0)
        .collect();
    let make = || Layer::new(segment.len(), &sources);
    if sources.iter().map(Source::len).sum::<usize>() <= WORTH_KEEPING {
        return Arc::new(make());
    }
    let mut key = vec![b't', last as u8];
    for one in found {
        key.extend(one.term.to_le_bytes());
        key.extend(one.factor.to_le_bytes());
    }
    segment.layer(key, make)
}

/// What has the categories and areas that a word names.
fn wide_layer(segment: &Segment, named: &[(&Named, f32)]) -> Option<Arc<Layer>> {
    let mut key = vec![b'n'];
    let mut sources = Vec::new();
    for (named, weight) in named {
        let Some(posting) = segment.posting(named.facet, &named.value) else { continue };
        let weight = step(*weight);
        key.extend([named.facet as u8, weight]);
        key.extend(named.value.as_bytes());
        key.push(0);
        sources.push(Source::Posting(posting, weight));
    }
    (!sources.is_empty()).then(|| segment.layer(key, || Layer::new(segment.len(), &sources)))
}

/// A weight in steps as it counts.
pub(crate) fn value(steps: u8) -> f64 {
    f64::from(steps) / f64::from(STEPS)
}

/// A weight in steps; never nothing, for it is a match all the same.
fn step(weight: f32) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 250")]
    let steps = (weight * STEPS).round().clamp(1.0, 250.0) as u8;
    steps
}
