//! The ids of a part of a catalogue, as they are given.

use std::collections::HashSet;

use euterpe_actors::memory::Fingerprint;

use super::put_off::{FoundFile, PutOff};
use crate::run::found::{BATCH, Found};
use crate::run::passed::{Passed, PassedKind};

/// The ids of a part, while they are given.
#[derive(Debug, Default)]
pub struct PartIds {
    bytes: Vec<u8>,
    at: usize,
    seen: HashSet<Fingerprint>,
    files: HashSet<(u16, u16, Fingerprint)>,
}

impl PartIds {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// The next ids; none at the end. An id that comes again is given once. Of several files of one id the others are counted in
    /// `passed`.
    ///
    /// # Errors
    /// Bytes that are no ids.
    pub fn next(&mut self, passed: &mut Passed) -> anyhow::Result<Vec<Found>> {
        let mut batch = Vec::new();
        let mut rest = &self.bytes[self.at..];
        while batch.len() < BATCH && !rest.is_empty() {
            let PutOff { entity, written, file } = PutOff::read(&mut rest)?;
            let print = Fingerprint::of("", entity.as_str());
            if let Some(FoundFile { source, exts, path, is_named }) = file {
                let mut is_twin = false;
                exts.iter().for_each(|ext| is_twin |= !self.files.insert((source, *ext, print)));
                if is_twin {
                    passed.add(PassedKind::SameId);
                    if is_named {
                        batch.push(Found::Passed(PassedKind::SameId, path));
                    }
                    continue;
                }
            }
            match (self.seen.insert(print), written) {
                (true, written) => batch.push(Found::Id(entity, written)),
                (false, Some(written)) => batch.push(Found::Name(entity, written)),
                (false, None) => {}
            }
        }
        self.at = self.bytes.len() - rest.len();
        Ok(batch)
    }
}
