//! Rows of numbers that are read again when all of them are known: in memory up to 4 MiB, beyond that in a file of the work's
//! private folder.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, Write},
};

use euterpe_actors::{
    outcome::Fault,
    transform::{Scratch, Work},
};

/// How many numbers are held in memory.
const IN_MEMORY: usize = 1 << 20;

/// Rows of equal length.
pub(crate) struct Spool {
    width: usize,
    held: Vec<f32>,
    most: usize,
    file: Option<BufWriter<File>>,
    scratch: Scratch,
}

impl Spool {
    /// No row yet; each will have `width` numbers (at least 1).
    pub(crate) fn new(width: usize, work: &Work) -> Self {
        Self::holding(width, work, IN_MEMORY)
    }

    fn holding(width: usize, work: &Work, most: usize) -> Self {
        Self { width, held: Vec::new(), most: (most / width).max(1) * width, file: None, scratch: work.scratch.clone() }
    }

    /// Appends a row.
    ///
    /// # Errors
    /// Where no more can be written.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = f32>) -> Result<(), Fault> {
        self.held.extend(row);
        debug_assert_eq!(self.held.len() % self.width, 0, "whole rows");
        if self.held.len() < self.most {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let path = self.scratch.folder()?.join("rows");
                let file = File::options().read(true).write(true).create(true).truncate(true).open(path);
                none.insert(BufWriter::with_capacity(1 << 18, file.map_err(|error| failed(&error))?))
            }
        };
        for number in self.held.drain(..) {
            file.write_all(&number.to_le_bytes()).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Hands out each row, in order.
    ///
    /// # Errors
    /// Those of `take`; where the rows cannot be read again.
    pub(crate) fn each(self, mut take: impl FnMut(&[f32]) -> Result<(), Fault>) -> Result<(), Fault> {
        if let Some(file) = self.file {
            let rewound = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|mut file| {
                file.rewind()?;
                Ok(file)
            });
            let mut file = rewound.map_err(|error| failed(&error))?;
            let left = file.metadata().map_err(|error| failed(&error))?.len();
            let (mut left, mut bytes, mut numbers) = (left as usize, Vec::new(), Vec::new());
            while left > 0 {
                bytes.resize(left.min(self.most * 4), 0);
                file.read_exact(&mut bytes).map_err(|error| failed(&error))?;
                left -= bytes.len();
                numbers.clear();
                numbers
                    .extend(bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])));
                numbers.chunks_exact(self.width).try_for_each(&mut take)?;
            }
        }
        self.held.chunks_exact(self.width).try_for_each(take)
    }
}

fn failed(error: &io::Error) -> Fault {
    Fault::of_io("could not keep numbers for later", error)
}

#[cfg(test)]
mod tests {
    use super::super::testing::work;
    use super::*;

    #[test]
    fn rows_come_back_in_their_order_whatever_is_held_of_them() {
        for most in [1000, 1, 9, 12, 30] {
            let work = work("t", &[], "x");
            let mut spool = Spool::holding(3, &work, most);
            for row in 0..10 {
                spool.push((0..3).map(|at| (row * 3 + at) as f32)).expect("kept");
            }
            let mut rows = Vec::new();
            spool
                .each(|row| {
                    rows.push(row.to_vec());
                    Ok(())
                })
                .expect("read");
            assert_eq!(rows.concat(), (0..30).map(|number| number as f32).collect::<Vec<_>>(), "{most} held");
            assert!(rows.len() == 10);
        }
    }
}
