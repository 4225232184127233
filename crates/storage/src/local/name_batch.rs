//! A batch of names of one folder, held in one buffer and sorted quickly.

use rustix::fs::FileType;

/// How many bytes after the common start of all names are compared as one number.
const KEY: usize = 16;

/// NameBatch with their kinds.
#[derive(Debug, Default)]
pub(super) struct NameBatch {
    text: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u128,
    start: u32,
    length: u16,
    kind: FileType,
}

impl NameBatch {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a name, of at most 64 KiB, as the kernel's are.
    pub(super) fn push(&mut self, name: &[u8], kind: FileType) {
        let (start, length) = (self.text.len() as u32, name.len() as u16);
        self.text.extend_from_slice(name);
        self.entries.push(Entry { key: 0, start, length, kind });
    }

    pub(super) fn get(&self, at: usize) -> (&[u8], FileType) {
        let entry = &self.entries[at];
        (name_of(&self.text, entry), entry.kind)
    }

    /// Sorts by the bytes of the names.
    ///
    /// NameBatch of one folder are much alike (`t-000001`, `t-000002`), so what all have in common is left out, and the next
    /// bytes of each are compared as one number: nearly every comparison ends there, without following a pointer.
    pub(super) fn sort(&mut self) {
        let Some(first) = self.entries.first().copied() else { return };
        let text = &self.text;
        let first = name_of(text, &first);
        let common = self.entries.iter().fold(first.len(), |common, entry| {
            let name = name_of(text, entry);
            first[..common].iter().zip(name).take_while(|(a, b)| a == b).count()
        });
        for entry in &mut self.entries {
            let rest = &name_of(text, entry)[common..];
            let mut key = [0; KEY];
            let length = rest.len().min(KEY);
            key[..length].copy_from_slice(&rest[..length]);
            entry.key = u128::from_be_bytes(key); // no name holds a zero byte, so a shorter one comes first
        }
        self.entries.sort_unstable_by(|a, b| a.key.cmp(&b.key).then_with(|| name_of(text, a).cmp(name_of(text, b))));
    }
}

fn name_of<'t>(text: &'t [u8], entry: &Entry) -> &'t [u8] {
    &text[entry.start as usize..entry.start as usize + usize::from(entry.length)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_their_bytes_whatever_they_have_in_common() {
        let long = "x".repeat(40);
        let mut expected: Vec<String> = ["", "a", "aa", "b", "é", "~"]
            .iter()
            .flat_map(|end| [format!("t-{end}"), format!("t-{long}{end}"), format!("t-{long}{end}{long}")])
            .collect();
        let mut names = NameBatch::default();
        for name in &expected {
            names.push(name.as_bytes(), FileType::RegularFile);
        }
        names.sort();
        expected.sort();
        let sorted: Vec<_> = (0..names.len()).map(|at| String::from_utf8_lossy(names.get(at).0).into_owned()).collect();
        assert_eq!(sorted, expected);
    }
}
