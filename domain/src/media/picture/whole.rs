//! Whole: whether a JPEG goes to its end.
//!
//! Decoders show what there is of one that was cut off, the rest of it grey.

/// Whether `bytes` go from marker to marker to the one at the end of the picture (ITU-T T.81 §B.1.1).
/// What comes after is not looked at: telephones put films there.
pub fn jpeg(bytes: &[u8]) -> bool {
    const END: u8 = 0xD9;
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(next_marker) {
        let marker = bytes[at + found + 1];
        let after = at + found + 2;
        at = match marker {
            END => return true,
            // These stand alone (table B.1): TEM, and the start of the picture.
            0x01 | 0xD8 => after,
            _ => {
                let Some(&[high, low]) = bytes.get(after..after + 2) else { return false };
                after + usize::from(u16::from_be_bytes([high, low]))
            }
        };
    }
    false
}

/// Where the next marker is that is no part of the data of a scan: not a stuffed zero, a fill byte
/// or a restart.
fn next_marker(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(2)
        .position(|pair| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_within_a_segment_or_a_scan_is_none() {
        let head = [0xFF, 0xD8, 0xFF, 0xE1, 0, 4, 0xFF, 0xD9, 0xFF, 0xDA, 0, 2];
        let scan = [1, 0xFF, 0x00, 0xFF, 0xD0, 2, 0xFF, 0xFF];
        assert!(!jpeg(&[&head[..], &scan].concat()));
        assert!(jpeg(&[&head[..], &scan, &[0xD9, b'P', b'K']].concat()));
    }

    #[test]
    fn one_that_ends_anywhere_before_is_not_whole() {
        let all = [0xFF, 0xD8, 0xFF, 0xE0, 0, 3, 7, 0xFF, 0xDA, 0, 2, 1, 0xFF, 0xD9];
        assert!(jpeg(&all));
        for end in 0..all.len() {
            assert!(!jpeg(&all[..end]), "{end}");
        }
    }
}
