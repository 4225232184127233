//! How many bytes of samples a file declares, and how many there are.
//!
//! A program that writes into a pipe cannot go back and put the size into the header. It leaves a number that says so.

/// Where samples lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    /// The first byte.
    pub(crate) start: u64,
    /// Bytes from there that belong to them.
    pub(crate) there: u64,
    /// Bytes that the header declares; none where it was written before the length was known.
    pub(crate) declared: Option<u64>,
}

impl Data {
    /// Samples from `start` of a file of `length` bytes, whose header declares `size` in 32 bits.
    ///
    /// `whole` says that another size in the header agrees with the file's length, so that nothing was cut off.
    pub(crate) fn of_32_bits(start: u64, length: u64, size: u32, whole: bool) -> Self {
        let available = length.saturating_sub(start);
        let wrapped = available.saturating_sub(size.into());
        if is_open(size) && (size == 0 || u64::from(size) > available) {
            return Self { start, there: available, declared: None };
        }
        // More than 4 GiB, of which the header kept the lower 32 bits.
        if wrapped >= 1 << 32 && wrapped % (1 << 32) < 1 << 16 {
            return Self { start, there: available, declared: None };
        }
        Self::of(start, length, size.into(), whole)
    }

    /// The same for a size in 64 bits.
    pub(crate) fn of_64_bits(start: u64, length: u64, size: u64) -> Self {
        let available = length.saturating_sub(start);
        if size == 0 || size >= 1 << 62 {
            return Self { start, there: available, declared: None };
        }
        Self::of(start, length, size, false)
    }

    /// The first byte behind those that are there.
    pub(crate) fn end(self) -> u64 {
        self.start + self.there
    }

    /// Whether bytes are missing at the end.
    pub(crate) fn is_cut(self) -> bool {
        self.declared.is_some_and(|declared| declared > self.there)
    }

    fn of(start: u64, length: u64, size: u64, whole: bool) -> Self {
        let available = length.saturating_sub(start);
        let declared = Some(size).filter(|&size| size <= available || !whole);
        Self { start, there: size.min(available), declared }
    }
}

/// Sizes that programs leave in a header which they cannot write again: sox, lame, arecord, ffmpeg, mpg123.
fn is_open(size: u32) -> bool {
    matches!(size, 0 | 0x7fff_0000..=0x8000_0100 | 0xffff_ffd0..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_nobody_could_write_means_up_to_the_end() {
        for open in [0, 0x7fff_f000, 0x7fff_ffff, 0x8000_0000, u32::MAX, u32::MAX - 36] {
            let data = Data::of_32_bits(44, 1044, open, false);
            assert_eq!(data, Data { start: 44, there: 1000, declared: None }, "{open:#x}");
        }
    }

    #[test]
    fn a_size_beyond_the_end_is_a_cut_unless_another_size_says_that_the_file_is_whole() {
        let cut = Data::of_32_bits(44, 1044, 2000, false);
        assert_eq!((cut.there, cut.declared), (1000, Some(2000)));
        let odd = Data::of_32_bits(44, 1044, 1008, true);
        assert_eq!((odd.there, odd.declared), (1000, None));
        let more = Data::of_32_bits(44, 1044, 600, false);
        assert_eq!((more.there, more.declared), (600, Some(600)));
    }

    #[test]
    fn a_size_that_has_lost_its_upper_bits_is_not_believed() {
        let data = Data::of_32_bits(44, (5 << 30) + 44, (5u64 << 30) as u32, false);
        assert_eq!((data.there, data.declared), (5 << 30, None));
    }

    #[test]
    fn sizes_of_64_bits_may_be_open_too() {
        assert_eq!(Data::of_64_bits(80, 180, u64::MAX).declared, None);
        assert_eq!(Data::of_64_bits(80, 180, 500), Data { start: 80, there: 100, declared: Some(500) });
    }
}
