//! A batch of names of one folder, held in one buffer and sorted quickly.

use rustix::fs::FileType;

/// How many bytes after the common start of all names are compared as one number.
const KEY: usize = 16;

/// Names with their kinds.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: Vec<u8>,
    lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    key: u128,
    start: u32,
    length: u16,
    kind: FileType,
}

impl Names {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Adds a name, of at most 64 KiB, as the kernel's are.
    pub(super) fn push(&mut self, name: &[u8], kind: FileType) {
        let (start, length) = (self.text.len() as u32, name.len() as u16);
        self.text.extend_from_slice(name);
        self.lines.push(Line { key: 0, start, length, kind });
    }

    pub(super) fn get(&self, at: usize) -> (&[u8], FileType) {
        let line = &self.lines[at];
        (name_of(&self.text, line), line.kind)
    }

    /// Sorts by the bytes of the names.
    ///
    /// Names of one folder are much alike (`t-000001`, `t-000002`), so what all have in common is left out, and the next
    /// bytes of each are compared as one number: nearly every comparison ends there, without following a pointer.
    pub(super) fn sort(&mut self) {
        let Some(first) = self.lines.first().copied() else { return };
        let text = &self.text;
        let first = name_of(text, &first);
        let common = self.lines.iter().fold(first.len(), |common, line| {
            let name = name_of(text, line);
            first[..common].iter().zip(name).take_while(|(a, b)| a == b).count()
        });
        for line in &mut self.lines {
            let rest = &name_of(text, line)[common..];
            let mut key = [0; KEY];
            let length = rest.len().min(KEY);
            key[..length].copy_from_slice(&rest[..length]);
            line.key = u128::from_be_bytes(key); // no name holds a zero byte, so a shorter one comes first
        }
        self.lines.sort_unstable_by(|a, b| a.key.cmp(&b.key).then_with(|| name_of(text, a).cmp(name_of(text, b))));
    }
}

fn name_of<'t>(text: &'t [u8], line: &Line) -> &'t [u8] {
    &text[line.start as usize..line.start as usize + usize::from(line.length)]
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
        let mut names = Names::default();
        for name in &expected {
            names.push(name.as_bytes(), FileType::RegularFile);
        }
        names.sort();
        expected.sort();
        let sorted: Vec<_> = (0..names.len()).map(|at| String::from_utf8_lossy(names.get(at).0).into_owned()).collect();
        assert_eq!(sorted, expected);
    }
}
