//! Puts into the header of a WAV file where its channels stand.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// Puts the mask of the channels into the header, where that has a place for it: `hound` invents one.
///
/// # Errors
/// Those of the file.
pub(super) fn write_mask(path: &Path, mask: u32) -> io::Result<()> {
    const LENGTH: u64 = 16;
    const MASK: u64 = 40;
    let mut file = File::options().read(true).write(true).open(path)?;
    let mut length = [0; 4];
    file.seek(SeekFrom::Start(LENGTH))?;
    file.read_exact(&mut length)?;
    if u32::from_le_bytes(length) == 40 {
        file.seek(SeekFrom::Start(MASK))?;
        file.write_all(&mask.to_le_bytes())?;
    }
    Ok(())
}
