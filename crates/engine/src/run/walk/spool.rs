//! A scratch file of records in parts: they are put into it in any order and read part by part.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// How many bytes of a part are written at once. Each part has so many in memory.
const BLOCK: usize = 32 << 10;

/// Records in parts, in a file without a name: it goes with this process, however that ends.
#[derive(Debug)]
pub struct Spool {
    file: File,
    place: PathBuf,
    end: u64,
    parts: Vec<Part>,
}

#[derive(Debug, Default)]
struct Part {
    /// What is not written yet.
    last: Vec<u8>,
    /// Where in the file its blocks are, and how long they are.
    blocks: Vec<(u64, u32)>,
    records: usize,
}

impl Spool {
    /// An empty one of so many parts, in a folder.
    ///
    /// # Errors
    /// A folder that takes no file.
    pub fn create(folder: &Path, parts: usize) -> anyhow::Result<Self> {
        let file = tempfile::tempfile_in(folder).with_context(|| no_room(folder))?;
        let parts = (0..parts).map(|_| Part::default()).collect();
        Ok(Self { file, place: folder.to_owned(), end: 0, parts })
    }

    /// Forgets all records.
    ///
    /// # Errors
    /// A file that cannot be cut.
    pub fn clear(&mut self) -> anyhow::Result<()> {
        self.file.set_len(0).with_context(|| no_room(&self.place))?;
        self.end = 0;
        self.parts.iter_mut().for_each(|part| *part = Part::default());
        Ok(())
    }

    /// How many records a part has.
    pub fn records(&self, part: usize) -> usize {
        self.parts[part].records
    }

    /// Puts a record into a part, which may be given in stretches.
    ///
    /// # Errors
    /// A disk that takes no more.
    pub fn put(&mut self, part: usize, record: &[&[u8]]) -> anyhow::Result<()> {
        let Part { last, blocks, records } = &mut self.parts[part];
        if last.capacity() == 0 {
            last.reserve_exact(BLOCK);
        }
        let length: usize = record.iter().map(|stretch| stretch.len()).sum();
        if last.len() + length > BLOCK && !last.is_empty() {
            self.file.write_all_at(last, self.end).with_context(|| no_room(&self.place))?;
            blocks.push((self.end, last.len() as u32));
            self.end += last.len() as u64;
            last.clear();
        }
        record.iter().for_each(|stretch| last.extend_from_slice(stretch));
        *records += 1;
        Ok(())
    }

    /// Gives the records of a part, some at a time and in the order in which they were put, to `each`.
    ///
    /// # Errors
    /// A file that cannot be read; what `each` finds wrong.
    pub fn read(&self, part: usize, mut each: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let Part { last, blocks, .. } = &self.parts[part];
        let mut block = Vec::new();
        for (start, length) in blocks {
            block.resize(*length as usize, 0);
            self.file.read_exact_at(&mut block, *start).with_context(|| self.unreadable())?;
            each(&block)?;
        }
        each(last)
    }

    fn unreadable(&self) -> String {
        format!("could not read a scratch file in {}", self.place.display())
    }
}

fn no_room(folder: &Path) -> String {
    format!(
        "the catalogue is larger than the memory that --memory gives, and what does not fit could not be put into a scratch file \
         in {}; make room there, or allow more memory",
        folder.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_gives_back_what_was_put_into_it_in_order_and_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::create(folder.path(), 3).expect("a spool");
        assert_eq!(std::fs::read_dir(folder.path()).expect("read").count(), 0, "it has a name");
        let long = vec![7; BLOCK * 2];
        for n in 0..20_000_u32 {
            spool.put((n % 2) as usize, &[&n.to_le_bytes(), b"beside"]).expect("put");
        }
        spool.put(1, &[&long]).expect("put");
        for part in 0..2 {
            let mut read = Vec::new();
            spool
                .read(part as usize, |some| {
                    assert!(some.len() % 10 == 0 || some == long, "a record was cut");
                    read.extend_from_slice(some);
                    Ok(())
                })
                .expect("read");
            let numbers =
                read[..100_000].chunks(10).map(|record| u32::from_le_bytes(record[..4].try_into().expect("4")));
            assert!(numbers.eq((0..10_000).map(|n| n * 2 + part)));
            assert_eq!(read.len(), 100_000 + if part == 1 { long.len() } else { 0 });
        }
        assert_eq!((spool.records(0), spool.records(1), spool.records(2)), (10_000, 10_001, 0));
        spool
            .read(2, |some| {
                anyhow::ensure!(some.is_empty(), "something in an empty part");
                Ok(())
            })
            .expect("read");
    }
}
