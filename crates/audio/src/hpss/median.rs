//! The median of the last numbers of a row, kept in order of size while the row goes on.

/// Where index `at` of a row of `count` numbers leads when both ends of the row are mirrors (`… 1 0 | 0 1 2 … | …`).
pub(super) fn reflected(at: isize, count: usize) -> usize {
    let within = at.rem_euclid(2 * count as isize) as usize;
    if within < count { within } else { 2 * count - 1 - within }
}

/// Replaces a number that is there by another one; the numbers stay sorted.
pub(super) fn replace(sorted: &mut [f32], old: f32, new: f32) {
    let from = sorted.partition_point(|value| *value < old);
    let to = sorted.partition_point(|value| *value < new);
    if to > from {
        sorted.copy_within(from + 1..to, from);
        sorted[to - 1] = new;
    } else {
        sorted.copy_within(to..from, to + 1);
        sorted[to] = new;
    }
}

/// The medians of a row: for each number that of the `kernel` (odd) around it, with mirrors at both ends.
pub(super) fn medians(row: &[f32], kernel: usize, window: &mut Vec<f32>, mut take: impl FnMut(usize, f32)) {
    let half = (kernel / 2) as isize;
    let value = |at: isize| row[reflected(at, row.len())];
    window.clear();
    window.extend((-half..=half).map(value));
    window.sort_unstable_by(f32::total_cmp);
    for at in 0..row.len() {
        if at > 0 {
            let at = at as isize;
            replace(window, value(at - 1 - half), value(at + half));
        }
        take(at, window[kernel / 2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_goes_on_in_its_mirrors() {
        let indices: Vec<usize> = (-4..7).map(|at| reflected(at, 3)).collect();
        assert_eq!(indices, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(reflected(-17, 1), 0);
    }

    #[test]
    fn medians_are_those_of_sorting_each_window() {
        let mut state = 3u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 29) as f32 // eight values, so that some are equal
        };
        for (count, kernel) in [(1, 5), (3, 31), (40, 1), (100, 31), (100, 7)] {
            let row: Vec<f32> = (0..count).map(|_| next()).collect();
            let half = (kernel / 2) as isize;
            let mut got = vec![-1.0; count];
            medians(&row, kernel, &mut Vec::new(), |at, median| got[at] = median);
            for (at, got) in got.iter().enumerate() {
                let at = at as isize;
                let mut window: Vec<f32> = (at - half..=at + half).map(|near| row[reflected(near, count)]).collect();
                window.sort_unstable_by(f32::total_cmp);
                assert_eq!(*got, window[kernel / 2], "{count} {kernel} at {at}");
            }
        }
    }
}
