//! Decides whether two patterns of keys have a key in common.

/// A pattern of bytes: constant text, and runs of one or more bytes out of a set.
#[derive(Clone, Debug, Default)]
pub struct Pattern {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    set: Set,
    /// Whether the step may be taken any number of times, or exactly once.
    star: bool,
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set([u128; 2]);

impl Set {
    /// The bytes for which `holds`.
    pub fn of(holds: impl Fn(u8) -> bool) -> Self {
        let mut set = [0; 2];
        for byte in 0..=255u8 {
            if holds(byte) {
                set[usize::from(byte >> 7)] |= 1 << (byte & 127);
            }
        }
        Self(set)
    }

    fn meets(self, other: Self) -> bool {
        self.0[0] & other.0[0] != 0 || self.0[1] & other.0[1] != 0
    }
}

impl Pattern {
    /// Adds constant text.
    pub fn text(&mut self, text: &str) {
        self.steps.extend(text.bytes().map(|byte| Step { set: Set::of(|b| b == byte), star: false }));
    }

    /// Adds constant text whose letters may be upper or lower case.
    pub fn text_of_any_case(&mut self, text: &str) {
        let same = |byte: u8| Step { set: Set::of(|b| b.eq_ignore_ascii_case(&byte)), star: false };
        self.steps.extend(text.bytes().map(same));
    }

    /// Adds one or more bytes out of `set`.
    pub fn some(&mut self, set: Set) {
        self.steps.push(Step { set, star: false });
        self.steps.push(Step { set, star: true });
    }

    /// Whether there is a text that both patterns match.
    pub fn meets(&self, other: &Self) -> bool {
        let (a, b) = (&self.steps, &other.steps);
        if !ends_meet(a.iter(), b.iter()) || !ends_meet(a.iter().rev(), b.iter().rev()) {
            return false;
        }
        // Row i holds the steps j of `b` that some text can reach while it reaches step i of `a`.
        let mut row = vec![false; b.len() + 1];
        let mut below = vec![false; b.len() + 1];
        row[0] = true;
        for i in 0..=a.len() {
            below.fill(false);
            let own = a.get(i);
            for j in 0..=b.len() {
                if !row[j] {
                    continue;
                }
                let theirs = b.get(j);
                if theirs.is_some_and(|step| step.star) {
                    row[j + 1] = true;
                }
                let Some(own) = own else { continue };
                if own.star {
                    below[j] = true;
                }
                let Some(theirs) = theirs else { continue };
                if own.set.meets(theirs.set) {
                    match (own.star, theirs.star) {
                        (false, false) => below[j + 1] = true,
                        (false, true) => below[j] = true,
                        (true, false) => row[j + 1] = true,
                        (true, true) => {}
                    }
                }
            }
            if i < a.len() {
                std::mem::swap(&mut row, &mut below);
            }
        }
        row[b.len()]
    }
}

/// Whether the constant text at one end of both allows a common text. This quick look settles most pairs.
fn ends_meet<'s>(a: impl Iterator<Item = &'s Step>, b: impl Iterator<Item = &'s Step>) -> bool {
    for (a, b) in a.zip(b) {
        if a.star || b.star {
            return true;
        }
        if !a.set.meets(b.set) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
        for (at, part) in text.split('*').enumerate() {
            if at > 0 {
                pattern.some(Set::of(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/')));
            }
            pattern.text(part);
        }
        pattern
    }

    #[test]
    fn patterns_meet_exactly_where_a_common_text_exists() {
        for (a, b, meet) in [
            ("pcm/*.flac", "pcm/*.flac", true),
            ("pcm/*.flac", "*.flac", true),
            ("pcm/*.flac", "pcm/*.json", false),
            ("pcm/*.flac", "mel/*.flac", false),
            ("*.json", "*.loudness.json", true),
            ("*", "x", true),
            ("*", "", false),
            ("a*", "*b", true),
            ("a*a", "aa", false),
            ("a*a", "aba", true),
            ("*+*.ogg", "*.ogg", false),
            ("*x*", "*y*", true),
            ("abc", "abd", false),
            ("same", "same", true),
        ] {
            assert_eq!(pattern(a).meets(&pattern(b)), meet, "{a} and {b}");
            assert_eq!(pattern(b).meets(&pattern(a)), meet, "{b} and {a}");
        }
    }
}
