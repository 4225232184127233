//! An id that is put off, as it stands in a scratch file.

use anyhow::Context;
use euterpe_actors::ids::EntityId;

/// An id that is put off until its part of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutOff {
    /// The entity.
    pub entity: EntityId,
    /// Its name as it is written, where that is an odd one.
    pub written: Option<String>,
    /// The file that it was found for, where it is not known whether the same id has another one.
    pub file: Option<FoundFile>,
}

/// A file whose id may have another file too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// The number of the source among those of the run.
    pub source: u16,
    /// The lists of extensions that it is of, by their numbers. An id has one file of each.
    pub exts: Vec<u16>,
    /// Its path.
    pub path: String,
    /// Whether it is named where it is one too many.
    pub is_named: bool,
}

impl PutOff {
    /// Adds it to `record`.
    pub(super) fn write(&self, record: &mut Vec<u8>) {
        put_text(record, self.entity.as_str());
        record.push(u8::from(self.written.is_some()) | u8::from(self.file.is_some()) << 1);
        if let Some(written) = &self.written {
            put_text(record, written);
        }
        if let Some(FoundFile { source, exts, path, is_named }) = &self.file {
            record.push(u8::from(*is_named));
            put_number(record, usize::from(*source));
            put_number(record, exts.len());
            exts.iter().for_each(|ext| put_number(record, usize::from(*ext)));
            put_text(record, path);
        }
    }

    /// Takes the next one off `bytes`.
    ///
    /// # Errors
    /// Bytes that are none.
    pub(super) fn read(bytes: &mut &[u8]) -> anyhow::Result<Self> {
        let entity = EntityId::new(take_text(bytes)?).context("a scratch file does not hold what was written")?;
        let kind = take(bytes, 1)?[0];
        let written = if kind & 1 == 1 { Some(take_text(bytes)?.to_owned()) } else { None };
        let file = match kind & 2 == 2 {
            false => None,
            true => {
                let is_named = take(bytes, 1)?[0] == 1;
                let (source, many) = (take_number(bytes)?, take_number(bytes)?);
                let exts = (0..many).map(|_| Ok(take_number(bytes)? as u16)).collect::<anyhow::Result<_>>()?;
                Some(FoundFile { source: source as u16, exts, path: take_text(bytes)?.to_owned(), is_named })
            }
        };
        Ok(Self { entity, written, file })
    }
}

fn put_number(record: &mut Vec<u8>, number: usize) {
    record.extend_from_slice(&(number as u32).to_le_bytes());
}

fn put_text(record: &mut Vec<u8>, text: &str) {
    put_number(record, text.len());
    record.extend_from_slice(text.as_bytes());
}

fn take<'b>(bytes: &mut &'b [u8], many: usize) -> anyhow::Result<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(many).context("a scratch file ends within a record")?;
    *bytes = rest;
    Ok(taken)
}

fn take_number(bytes: &mut &[u8]) -> anyhow::Result<u32> {
    let four = take(bytes, 4)?;
    Ok(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}

fn take_text<'b>(bytes: &mut &'b [u8]) -> anyhow::Result<&'b str> {
    let length = take_number(bytes)?;
    std::str::from_utf8(take(bytes, length as usize)?).context("a scratch file does not hold what was written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_off_comes_back_as_it_was() {
        let id = |text: &str| EntityId::new(text).expect("an id");
        let file = |exts: &[u16]| FoundFile { source: 3, exts: exts.to_vec(), path: "a/é.OGG".into(), is_named: true };
        let all = [
            PutOff { entity: id("t-1"), written: None, file: None },
            PutOff { entity: id("é"), written: Some("odd".into()), file: Some(file(&[])) },
            PutOff { entity: id("a/b"), written: None, file: Some(file(&[0, 700])) },
        ];
        let mut bytes = Vec::new();
        all.iter().for_each(|one| one.write(&mut bytes));
        let mut rest = &bytes[..];
        for one in &all {
            assert_eq!(PutOff::read(&mut rest).expect("read"), *one);
        }
        assert!(rest.is_empty() && PutOff::read(&mut &bytes[..7]).is_err());
    }
}
