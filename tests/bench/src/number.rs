//! Number: what many measurements come to.

/// `part` ÷ `whole`; of what is counted here a float holds every digit that matters.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes are below 2⁵²")]
pub fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// The one in the middle; of an even count the upper. 0 of none.
pub fn median(all: &mut [f64]) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// The smallest of `sorted` that `percent` of 100 do not exceed; the default of none.
pub fn percentile<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_the_ninety_ninth_is_not_exceeded_by_ninety_nine() {
        let hundred: Vec<u32> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 99), 99);
        assert_eq!(percentile(&hundred, 50), 50);
        assert_eq!(percentile(&[7], 50), 7);
        assert_eq!(percentile(&[7, 8], 99), 8);
        assert_eq!(percentile::<u32>(&[], 99), 0);
    }

    #[test]
    fn one_wild_measurement_does_not_move_the_median() {
        assert!((median(&mut [3.0, 1.0, 900.0]) - 3.0).abs() < f64::EPSILON);
    }
}
