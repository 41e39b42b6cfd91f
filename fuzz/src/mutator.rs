//! Mutator: new inputs from old ones, the same every time.

/// What often means something to a parser.
const WORDS: [&[u8]; 24] = [
    b"0",
    b"-1",
    b"1e999",
    b"9223372036854775807",
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b"{\"a\":",
    b"\\u0000",
    b"%00",
    b"%F0%9F%8C%8A",
    b"&",
    b"=",
    b",",
    b";",
    b"-",
    b"\n",
    b"\xFF",
    b"\xF0\x9F\x8C\x8A",
    b"2026-02-29",
    b"24:00-48:00",
    b"BYSETPOS=-1",
];

/// Makes inputs from seeds.
pub struct Mutator {
    seeds: Vec<Vec<u8>>,
    state: u64,
}

impl Mutator {
    /// One that begins with `seeds`, of which there must be one.
    pub fn new(seeds: Vec<Vec<u8>>) -> Self {
        assert!(!seeds.is_empty(), "there is nothing to begin with");
        Self { seeds, state: 0x9E37_79B9_7F4A_7C15 }
    }

    /// A number below `end` (`SplitMix64`).
    fn below(&mut self, end: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((bits ^ (bits >> 31)) % end.max(1) as u64).unwrap_or_default()
    }

    fn seed(&mut self) -> Vec<u8> {
        let at = self.below(self.seeds.len());
        self.seeds[at].clone()
    }

    /// The next input: a seed with one to four things done to it.
    pub fn input(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        for _ in 0..=self.below(4) {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let end = at + self.below((input.len() - at).min(32) + 1);
        match self.below(6) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 => drop(input.drain(at..end)),
            2 => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            3 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..end, word.iter().copied());
            }
            4 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                let to = from + self.below((other.len() - from).min(64) + 1);
                input.splice(at..end, other[from..to].iter().copied());
            }
            _ => input.truncate(at),
        }
    }
}
