//! Where the packets of a track lie in an MP4 file (ISO/IEC 14496-12, 8.7): chunks, and how many packets are in each.

use std::ops::Range;

use super::{super::bytes::big, boxes::find};

/// The chunks of a track whose packets have `packet` bytes each, whatever the table of sizes says, or what that says where
/// it is none; from the body of `stbl`. None where the tables do not go together, or there are several descriptions.
pub(super) fn chunks(table: &[u8], packet: Option<u64>) -> Option<Vec<Range<u64>>> {
    let numbers = |name: &[u8; 4], at| find(table, &[name]).and_then(|own| own.get(at..)).unwrap_or(&[]);
    let sizes = find(table, &[b"stsz"])?;
    let each = packet.or(Some(big(sizes, 4, 4)).filter(|&size| size > 0));
    let mut left = big(sizes, 8, 4);
    let mut sizes = sizes.get(12..).unwrap_or(&[]).chunks_exact(4).map(|own| big(own, 0, 4));
    let (wide, width) = if find(table, &[b"co64"]).is_some() { (b"co64", 8) } else { (b"stco", 4) };
    let runs: Vec<[u64; 3]> =
        numbers(b"stsc", 8).chunks_exact(12).map(|own| [0, 4, 8].map(|at| big(own, at, 4))).collect();
    if runs.iter().any(|run| run[2] != 1) {
        return None;
    }
    let (mut found, mut run) = (Vec::<Range<u64>>::new(), 0);
    for (number, start) in (1..).zip(numbers(wide, 8).chunks_exact(width).map(|own| big(own, 0, width))) {
        while runs.get(run + 1).is_some_and(|next| next[0] <= number) {
            run += 1;
        }
        let packets = runs.get(run)?[1].min(left);
        left -= packets;
        let bytes = match each {
            Some(size) => packets.checked_mul(size)?,
            None => (0..packets).try_fold(0u64, |sum, _| Some(sum + sizes.next()?))?,
        };
        let end = start.checked_add(bytes)?;
        match found.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => found.push(start..end),
        }
    }
    (left == 0).then_some(found)
}

/// The part of what lies in pieces that is `skip` bytes from its start, and up to `keep` bytes long.
pub(super) fn part(pieces: Vec<Range<u64>>, mut skip: u64, mut keep: u64) -> Vec<Range<u64>> {
    let cut = pieces.into_iter().map(|piece| {
        let skipped = skip.min(piece.end - piece.start);
        let kept = keep.min(piece.end - piece.start - skipped);
        (skip, keep) = (skip - skipped, keep - kept);
        piece.start + skipped..piece.start + skipped + kept
    });
    cut.filter(|piece| !piece.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8; 4], numbers: &[u32]) -> Vec<u8> {
        let body: Vec<u8> = numbers.iter().flat_map(|own| own.to_be_bytes()).collect();
        [&(body.len() as u32 + 8).to_be_bytes()[..], name, &body].concat()
    }

    #[test]
    fn chunks_have_as_many_packets_as_their_run_says_and_those_that_touch_are_one() {
        let table = |sizes: &[u32]| {
            let runs = [0, 2, 1, 10, 1, 3, 5, 1];
            [boxed(b"stsz", sizes), boxed(b"stsc", &runs), boxed(b"stco", &[0, 4, 100, 140, 500, 900])].concat()
        };
        assert_eq!(chunks(&table(&[0, 1, 28]), Some(4)), Some(vec![100..180, 500..520, 900..912]));
        assert_eq!(chunks(&table(&[0, 4, 30]), None), Some(vec![100..180, 500..520, 900..920]));
        let sizes: Vec<u32> = [0, 0, 22].into_iter().chain([4; 20]).chain([7, 8]).collect();
        assert_eq!(chunks(&table(&sizes), None), Some(vec![100..180, 500..515, 900..900]));
        assert_eq!(chunks(&table(&[0, 4, 31]), None), None, "more packets than chunks hold");
        assert_eq!(chunks(b"", Some(4)), None);
    }

    #[test]
    fn an_edit_takes_bytes_off_at_both_ends_of_the_pieces() {
        let pieces = || vec![0..10, 20..30, 40..50];
        assert_eq!(part(pieces(), 0, u64::MAX), pieces());
        assert_eq!(part(pieces(), 12, 10), [22..30, 40..42]);
        assert_eq!(part(pieces(), 40, 10), []);
    }
}
