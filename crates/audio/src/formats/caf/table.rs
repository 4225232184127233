//! The packet table of CAF (`pakt`): how long each packet is, and which part of their frames is sound.

use crate::refusal::Refusal;

use crate::formats::{bytes::big, faults::damaged};

/// Bytes before the first entry.
const HEADER: usize = 24;

/// What the table says.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    /// The table without what stands behind its last entry.
    pub(super) bytes: Vec<u8>,
    /// Frames that the encoder put in front of the sound.
    pub(super) priming: u64,
    /// Frames of sound; none where the table does not say it.
    pub(super) valid: Option<u64>,
}

impl Table {
    /// Reads a table of packets that have so many bytes and so many frames, 0 for what differs from packet to packet, in
    /// `there` bytes of data.
    ///
    /// # Errors
    /// Where the table breaks off, or its packets are more than the data.
    pub(super) fn read(mut bytes: Vec<u8>, size: u64, frames: u64, there: u64) -> Result<Self, Refusal> {
        if bytes.len() < HEADER {
            return Err(damaged("its packet table (`pakt`) breaks off"));
        }
        let (packets, valid) = (big(&bytes, 0, 8), big(&bytes, 8, 8) as i64);
        let priming = big(&bytes, 16, 4) as i32;
        let (mut at, mut sum) = (HEADER, 0u64);
        if size == 0 || frames == 0 {
            for _ in 0..packets {
                let first = number(&bytes, &mut at)?;
                if size == 0 && frames == 0 {
                    number(&bytes, &mut at)?;
                }
                sum = sum.saturating_add(if size == 0 { first } else { size });
            }
        }
        if sum > there {
            return Err(damaged("its packet table (`pakt`) has more than its data"));
        }
        bytes.truncate(at);
        Ok(Self { bytes, priming: priming.max(0) as u64, valid: (valid > 0).then_some(valid as u64) })
    }
}

/// A number of seven bits in each byte, of which all but the last have their highest bit set.
fn number(bytes: &[u8], at: &mut usize) -> Result<u64, Refusal> {
    let mut number = 0u64;
    for _ in 0..9 {
        let byte = *bytes.get(*at).ok_or_else(|| damaged("its packet table (`pakt`) breaks off"))?;
        *at += 1;
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(damaged("its packet table (`pakt`) holds a number without an end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(packets: i64, valid: i64, priming: i32, entries: &[u8]) -> Vec<u8> {
        [&packets.to_be_bytes()[..], &valid.to_be_bytes(), &priming.to_be_bytes(), &[0; 4], entries].concat()
    }

    #[test]
    fn what_stands_behind_the_last_entry_is_left_out() {
        let padded = table(3, 2048, 1024, &[100, 0x81, 0x00, 7, 0, 0, 0, 0]);
        let found = Table::read(padded.clone(), 0, 1024, 235).expect("a table");
        assert_eq!(found, Table { bytes: padded[..28].to_vec(), priming: 1024, valid: Some(2048) });
        assert!(Table::read(padded, 0, 1024, 234).expect_err("too many").text.contains("more than its data"));
        let both = table(2, 0, -1, &[100, 1, 50, 2, 9]);
        let found = Table::read(both, 0, 0, 1000).expect("a table");
        assert_eq!((found.bytes.len(), found.priming, found.valid), (28, 0, None));
    }

    #[test]
    fn a_table_that_breaks_off_is_damage() {
        for short in [table(3, 2048, 0, &[100, 0x81]), table(1, 9, 0, &[0xff; 12]), vec![0; 23]] {
            let said = Table::read(short, 0, 1024, 1 << 40).expect_err("damage").text.clone();
            assert!(said.starts_with("the file is damaged: its packet table"), "{said}");
        }
    }
}
