//! Finds compressed sound that stands in the place of samples: what goes over S/PDIF (IEC 61937), and DTS on CD.
//!
//! Whoever takes it for samples hears loud noise. It is known by frames that follow each other at the distance that their own
//! headers tell; music would have to meet the same 32 bits, a header, and that distance four times in a row.

/// Frames that leave no doubt.
const ENOUGH: u32 = 4;
/// Words of 16 bits that are looked at: a mark of two, and a header.
const WORDS: u32 = 6;

/// How the words of a frame are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    /// What the frame is.
    name: &'static str,
    /// Whether the bytes of a word are swapped.
    swapped: bool,
}

/// A frame that seems to begin.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    /// Words up to the next one, where the header tells it; the fewest otherwise.
    exact: Option<[u64; 2]>,
    least: u64,
}

/// Frames of one kind that followed each other.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    last: Option<(Frame, u64)>,
    period: u64,
    found: u32,
}

impl Chain {
    /// Adds the frame that begins at a place, and says whether there is no doubt any more.
    fn add(&mut self, frame: Frame, at: u64) -> bool {
        let Some((last, before)) = self.last.replace((frame, at)).filter(|(last, _)| last.kind == frame.kind) else {
            self.found = 1;
            return false;
        };
        let distance = at - before;
        let fits = match last.exact {
            Some(exact) => exact.iter().any(|&exact| exact.abs_diff(distance) <= 1),
            None => distance >= last.least && (self.found < 2 || distance == self.period),
        };
        self.period = distance;
        self.found = if fits { self.found + 1 } else { 1 };
        self.found >= ENOUGH
    }
}

/// Looks at samples of two channels, one after the other.
#[derive(Debug, Default)]
pub(super) struct Bursts {
    /// The last words, the newest at the bottom.
    words: u128,
    at: u64,
    /// Bursts, and the frames of DTS that may be within them.
    chains: [Chain; 2],
}

impl Bursts {
    /// Looks at the next frames of samples; the name of what stands in their place once there is no doubt.
    pub(super) fn see(&mut self, block: &[Vec<f32>]) -> Option<&'static str> {
        let [left, right] = block else { return None };
        left.iter().zip(right).flat_map(|(&left, &right)| [left, right]).find_map(|sample| {
            // The upper 16 bits, whatever the width: S/PDIF fills from the top.
            self.word((sample * 32_768.0).floor() as i16 as u16)
        })
    }

    fn word(&mut self, word: u16) -> Option<&'static str> {
        self.words = self.words << 16 | u128::from(word);
        self.at += 1;
        let frame = frame(self.words)?;
        let chain = &mut self.chains[usize::from(frame.exact.is_some())];
        chain.add(frame, self.at).then_some(frame.kind.name)
    }
}

/// The frame that begins with the upper ones of the last words.
fn frame(words: u128) -> Option<Frame> {
    let swap = |swapped: bool| match swapped {
        true => (0..WORDS).fold(0, |sum, n| sum | u128::from(((words >> (16 * n)) as u16).swap_bytes()) << (16 * n)),
        false => words,
    };
    match (words >> (16 * (WORDS - 2))) as u32 {
        0xf872_4e1f => burst(swap(false), false),
        0x72f8_1f4e => burst(swap(true), true),
        0x7ffe_8001 => dts(swap(false), 16, false),
        0xfe7f_0180 => dts(swap(true), 16, true),
        0x1fff_e800 => dts(swap(false), 14, false),
        0xff1f_00e8 => dts(swap(true), 14, true),
        _ => None,
    }
}

/// A burst of IEC 61937: its type, and how long it is in bits or bytes.
fn burst(words: u128, swapped: bool) -> Option<Frame> {
    let (kind, length) = ((words >> 48) as u16, u64::from((words >> 32) as u16));
    let name = match kind & 0x1f {
        1 => "AC-3",
        4..=6 | 8..=9 => "MPEG audio",
        7 | 10 => "AAC",
        11..=13 | 17 => "DTS",
        14 | 15 => "ATRAC",
        21 => "E-AC-3",
        22 => "TrueHD",
        _ => return None,
    };
    let payload = if kind & 0x1f < 16 { length / 16 } else { length / 2 };
    (length > 0).then_some(Frame { kind: Kind { name, swapped }, exact: None, least: 4 + payload })
}

/// A frame of DTS (ETSI TS 102 114, 5.3.1) whose words have so many bits. On CD it fills the time that it plays.
fn dts(words: u128, width: u32, swapped: bool) -> Option<Frame> {
    let bits = (0..WORDS).rev().fold(0u128, |sum, n| sum << width | (words >> (16 * n) & ((1 << width) - 1)));
    let take = |at: u32, count: u32| (bits >> (WORDS * width - at - count) & ((1 << count) - 1)) as u64;
    // A frame of the usual kind with no sample missing.
    if take(32, 6) != 0x3f {
        return None;
    }
    let (blocks, bytes, rate) = (take(39, 7) + 1, take(46, 14) + 1, take(66, 4));
    let sane = blocks >= 8 && blocks.is_multiple_of(8) && bytes >= 96 && [1, 2, 3, 6, 7, 8, 11, 12, 13].contains(&rate);
    let (played, packed) = (blocks * 32 * 2, bytes * 8 / u64::from(width));
    sane.then_some(Frame { kind: Kind { name: "DTS", swapped }, exact: Some([played, packed]), least: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of 16 bits as samples of two channels.
    fn seen(words: impl IntoIterator<Item = u16>) -> Option<&'static str> {
        let samples: Vec<f32> = words.into_iter().map(|word| f32::from(word as i16) / 32_768.0).collect();
        let channel = |own: usize| samples.iter().skip(own).step_by(2).copied().collect::<Vec<f32>>();
        Bursts::default().see(&[channel(0), channel(1)])
    }

    /// A mark and a header, and zeros up to the next one.
    fn frames(head: &[u16], distance: usize, count: usize) -> Vec<u16> {
        let frame: Vec<u16> = head.iter().copied().chain(std::iter::repeat(0)).take(distance).collect();
        frame.repeat(count)
    }

    const AC3: &[u16] = &[0xf872, 0x4e1f, 1, 1792 * 8, 0x0b77, 0];
    /// 512 frames of samples in 2,048 bytes, in words of 16 bits and of 14.
    const DTS: &[u16] = &[0x7ffe, 0x8001, 0xfc3c, 0x7ff0, 0xa2c0, 0x0138];
    const DTS14: &[u16] = &[0x1fff, 0xe800, 0x07f0, 0x3c7f, 0x3c28, 0];

    #[test]
    fn frames_in_each_byte_order_are_found_wherever_they_begin() {
        for (head, distance, name) in [(AC3, 3072, "AC-3"), (DTS, 1024, "DTS"), (DTS14, 1024, "DTS")] {
            for swapped in [false, true] {
                let head: Vec<u16> = head.iter().map(|word| if swapped { word.swap_bytes() } else { *word }).collect();
                let four = frames(&head, distance, 4);
                assert_eq!(seen(four.clone()), Some(name), "{head:x?}");
                assert_eq!(seen([vec![0; 5001], four].concat()), Some(name), "{head:x?}");
                assert_eq!(seen(frames(&head, distance, 3)), None, "{head:x?}");
            }
        }
    }

    #[test]
    fn dts_within_bursts_does_not_hide_them() {
        let burst = [&[0xf872, 0x4e1f, 0x0b, 500 * 16][..], DTS].concat();
        // At the distance that the frames tell, and at one that only the bursts keep.
        for distance in [1024, 1100] {
            assert_eq!(seen(frames(&burst, distance, 4)), Some("DTS"));
        }
    }

    #[test]
    fn samples_that_happen_to_look_like_a_mark_are_music() {
        // A square wave, and one whose frames all look like a header that tells another distance.
        assert_eq!(seen([0x7ffe, 0x8001].repeat(50_000)), None);
        assert_eq!(seen(frames(DTS, 1000, 50)), None);
        assert_eq!(seen(frames(&[0x7ffe, 0x8001, 0xfc3c, 0, 0, 0], 1024, 50)), None);
        // Bursts that are longer than the distance between them, of no known type, at any distance.
        assert_eq!(seen(frames(AC3, 800, 50)), None);
        assert_eq!(seen(frames(&[0xf872, 0x4e1f, 0x1e, 64], 3072, 50)), None);
        let uneven: Vec<u16> = (1000..1050).flat_map(|distance| frames(AC3, distance, 1)).collect();
        assert_eq!(seen(uneven), None);
    }
}
