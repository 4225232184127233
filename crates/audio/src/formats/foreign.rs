//! How long files are that have no reader here, where their first bytes say it: to see that they are cut off.

use super::bytes::{big, little};

/// What ASF begins with, and its object that tells the length of the file.
const ASF: [u8; 16] = *b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
const FILE_PROPERTIES: [u8; 16] = *b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65";

/// How many bytes a file of ASF says that it has, unless it was sent as it was made.
fn asf_size(head: &[u8]) -> Option<u64> {
    let at = head.windows(16).position(|own| own == FILE_PROPERTIES)?;
    let object = head.get(at..at + 92)?;
    let is_broadcast = little(object, 88, 4) & 1 != 0;
    Some(little(object, 40, 8)).filter(|&size| size > 0 && !is_broadcast)
}

/// How many frames a file has that begins with `head`.
pub(crate) fn declared(head: &[u8]) -> Option<u64> {
    if head.starts_with(b"wvpk") {
        // Blocks of DSD count bytes.
        let (low, high, is_dsd) = (little(head, 12, 4), little(head, 11, 1), little(head, 24, 4) >> 31 != 0);
        return (low != 0xffff_ffff && !is_dsd).then(|| low + (high << 32) - high);
    }
    if head.starts_with(b"TTA1") {
        return Some(little(head, 14, 4));
    }
    // Samples of one bit, of which eight make a frame of floats.
    (head.starts_with(b"DSD ") && head.get(28..32) == Some(b"fmt ")).then(|| little(head, 64, 8) / 8)
}

/// Whether a file of so many bytes that begins with `head` is shorter than it says.
pub(crate) fn is_cut(head: &[u8], length: u64) -> bool {
    if head.starts_with(&ASF) {
        return asf_size(head).is_some_and(|size| size > length);
    }
    let size = if head.starts_with(b"RIFF") {
        little(head, 4, 4)
    } else if head.starts_with(b"FORM") {
        big(head, 4, 4)
    } else {
        return false;
    };
    // Sizes that no program could write are no sizes.
    size > 0 && size < 0x7fff_f000 && 8 + size > length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_where_they_are_known() {
        let block = |low: u32, high: u8, flags: u32| {
            [&b"wvpk\0\0\0\0\x10\x04\0"[..], &[high], &low.to_le_bytes(), &[0; 8], &flags.to_le_bytes(), &[0; 4]]
                .concat()
        };
        assert_eq!(declared(&block(96_000, 0, 0)), Some(96_000));
        assert_eq!(declared(&block(5, 1, 0)), Some((1 << 32) + 4));
        assert_eq!((declared(&block(u32::MAX, 0, 0)), declared(&block(9, 0, 1 << 31))), (None, None));
        assert_eq!(declared(b"TTA1\x01\0\x02\0\x10\0\x80\xbb\0\0\0\x77\x01\0"), Some(96_000));
        assert_eq!(declared(b"OggS"), None);
        assert!(is_cut(b"RIFF\x64\0\0\0AVI ", 107) && !is_cut(b"RIFF\x64\0\0\0AVI ", 108));
        assert!(is_cut(b"FORM\0\0\0\x648SVX", 107) && !is_cut(b"RIFF\xff\xff\xff\xffAVI ", 107));
    }
}
