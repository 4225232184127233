//! Whether the frames of FLAC follow each other: each says its number, or that of its first sample (RFC 9639, 9.1.5).

/// The order of frames.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// The number of the first frame.
    first: Option<u64>,
    /// Samples in a frame, where frames are numbered and not their samples.
    block: u64,
}

impl Order {
    /// Whether a whole frame is the one that stands behind `decoded` samples. Where the length of the stream is known, it begins
    /// with its first frame; else it may have been cut out of another one.
    pub(crate) fn follows(&mut self, frame: &[u8], decoded: u64, is_whole: bool) -> bool {
        let Some((number, is_of_samples)) = number(frame) else { return false };
        let Some(first) = self.first else {
            self.first = Some(number);
            return number == 0 || !is_whole;
        };
        if self.block == 0 {
            self.block = decoded;
        }
        let unit = if is_of_samples { 1 } else { self.block };
        number.checked_sub(first).and_then(|number| number.checked_mul(unit)) == Some(decoded)
    }

    /// Whether a frame has the number of the first one again: another stream begins.
    pub(crate) fn begins_anew(&self, frame: &[u8]) -> bool {
        self.first.is_some() && number(frame).map(|(number, _)| number) == self.first
    }
}

/// The number that a frame bears, and whether it is that of its first sample: written as UTF-8 writes the number of a character, in
/// up to seven bytes.
fn number(frame: &[u8]) -> Option<(u64, bool)> {
    let is_of_samples = frame.get(1)? & 1 == 1;
    let first = *frame.get(4)?;
    let length = match first.leading_ones() {
        0 => return Some((first.into(), is_of_samples)),
        length @ 2..=7 => length as usize,
        _ => return None,
    };
    let begin = u64::from(first) & (0x7f >> length);
    let rest = frame.get(5..4 + length)?;
    let more = |number: u64, byte: &u8| (byte >> 6 == 2).then_some(number << 6 | u64::from(byte & 0x3f));
    Some((rest.iter().try_fold(begin, more)?, is_of_samples))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(of_samples: bool, number: &[u8]) -> Vec<u8> {
        [&[0xff, 0xf8 | u8::from(of_samples), 0xc9, 0x18][..], number, &[1, 2, 3]].concat()
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for (bytes, wanted) in [
            (&[0x00][..], Some(0)),
            (&[0x7f], Some(127)),
            (&[0xc2, 0x80], Some(128)),
            (&[0xe1, 0x80, 0x80], Some(4096)),
            (&[0xfe, 0x83, 0xbf, 0xbf, 0xbf, 0xbf, 0xbf], Some((4 << 30) - 1)),
            (&[0x80], None),
            (&[0xff, 0x80], None),
            (&[0xc2, 0x00], None),
        ] {
            assert_eq!(number(&frame(false, bytes)).map(|(number, _)| number), wanted, "{bytes:x?}");
        }
        assert_eq!(number(&[0xff, 0xf8, 0xc9, 0x18, 0xe1, 0x80]), None, "cut off");
    }

    #[test]
    fn frames_that_are_lost_doubled_or_in_another_order_are_seen() {
        let numbered = |number: u8| frame(false, &[number]);
        let mut order = Order::default();
        assert!(order.follows(&numbered(0), 0, true) && order.follows(&numbered(1), 4096, true));
        assert!(!order.follows(&numbered(3), 8192, true) && !order.follows(&numbered(1), 8192, true));
        assert!(order.follows(&numbered(2), 8192, true));
        assert!(order.begins_anew(&numbered(0)) && !order.begins_anew(&numbered(3)));
        let mut cut_out = Order::default();
        assert!(cut_out.follows(&numbered(7), 0, false) && cut_out.follows(&numbered(8), 1152, false));
        assert!(!Order::default().follows(&numbered(7), 0, true));
        let sampled = |number: &[u8]| frame(true, number);
        let mut order = Order::default();
        assert!(order.follows(&sampled(&[0]), 0, true) && order.follows(&sampled(&[100]), 100, true));
        assert!(
            order.follows(&sampled(&[0xc3, 0x80]), 192, true) && !order.follows(&sampled(&[0xc3, 0x81]), 192, true)
        );
    }
}
