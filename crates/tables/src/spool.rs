//! A scratch file of records, written one behind the other and read once from the start.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use crate::error::TableError;

/// How much is read or written at once.
const BLOCK: usize = 256 << 10;

/// Records in a file without a name: it goes with this process, however that ends.
#[derive(Debug)]
pub struct Spool {
    file: BufWriter<File>,
    folder: PathBuf,
}

impl Spool {
    /// An empty one in a folder.
    ///
    /// # Errors
    /// A folder that takes no file.
    pub fn create(folder: &Path) -> Result<Self, TableError> {
        let file = tempfile::tempfile_in(folder).map_err(|source| scratch(folder, source))?;
        Ok(Self { file: BufWriter::with_capacity(BLOCK, file), folder: folder.to_owned() })
    }

    /// Puts a record behind the others.
    ///
    /// # Errors
    /// A disk that takes no more.
    pub fn put(&mut self, record: &[u8]) -> Result<(), TableError> {
        let put = self.file.write_all(&(record.len() as u64).to_le_bytes()).and_then(|()| self.file.write_all(record));
        put.map_err(|source| scratch(&self.folder, source))
    }

    /// Reads all records from the start.
    ///
    /// # Errors
    /// A disk that takes no more, or cannot be read.
    pub fn read(self) -> Result<Records, TableError> {
        let Self { file, folder } = self;
        let start = || -> io::Result<File> {
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            Ok(file)
        };
        let file = start().map_err(|source| scratch(&folder, source))?;
        Ok(Records { file: BufReader::with_capacity(BLOCK, file), folder })
    }
}

/// The records of a file.
#[derive(Debug)]
pub struct Records {
    file: BufReader<File>,
    folder: PathBuf,
}

impl Records {
    /// Reads the next record into `record`; whether there was one.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn next(&mut self, record: &mut Vec<u8>) -> Result<bool, TableError> {
        let mut length = [0; 8];
        match self.file.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            read => read.map_err(|source| scratch(&self.folder, source))?,
        }
        record.resize(usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX), 0);
        self.file.read_exact(record).map_err(|source| scratch(&self.folder, source))?;
        Ok(true)
    }

    /// A record that is not what was written.
    pub fn damaged(&self) -> TableError {
        scratch(&self.folder, io::Error::new(io::ErrorKind::InvalidData, "it does not hold what was written"))
    }
}

fn scratch(folder: &Path, source: io::Error) -> TableError {
    TableError::Scratch { place: folder.display().to_string(), source }
}
