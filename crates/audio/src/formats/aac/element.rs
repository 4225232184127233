//! The first element of a packet of AAC (ISO/IEC 14496-3, 4.4.2.1): a packet that ends before it began holds no sound.

/// The element that fills a packet up.
const FILL: u32 = 6;
/// The element that ends a packet.
const END: u32 = 7;

/// Whether nothing but fill stands before the end of a packet. A decoder that is given one hands out what it had before.
pub(crate) fn is_empty(packet: &[u8]) -> bool {
    let mut at = 0;
    let mut take = |count: usize| -> Option<u32> {
        let bit = |at: usize| packet.get(at / 8).map(|byte| u32::from(byte >> (7 - at % 8) & 1));
        let value = (at..at + count).try_fold(0, |value, at| Some(value << 1 | bit(at)?));
        at += count;
        value
    };
    loop {
        match take(3) {
            None | Some(END) => return true,
            Some(FILL) => {
                let Some(mut count) = take(4) else { return true };
                if count == 15 {
                    let Some(more) = take(8) else { return true };
                    count += more;
                    count -= u32::from(count > 0);
                }
                if count > 0 && take(count as usize * 8).is_none() {
                    return true;
                }
            }
            Some(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_ends_before_it_began_is_empty() {
        assert!(is_empty(&[0xff; 40]) && is_empty(&[0xe0]) && is_empty(&[]));
        assert!(!is_empty(&[0x21, 0x10, 0x05]), "a pair of channels");
        assert!(!is_empty(&[0x01, 0x40]), "one channel");
        // Two bytes of fill, then one channel; two bytes of fill, then the end.
        assert!(!is_empty(&[0b1100_0100, 0, 0b0000_0000, 0b0000_0000]));
        assert!(is_empty(&[0b1100_0100, 0, 0b0000_0001, 0b1100_0000]));
    }
}
