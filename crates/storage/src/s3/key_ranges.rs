//! Ranges of keys: where one that is being listed is split, so that the rest of it is listed from its middle at the same time.

/// One more than the last code point.
const END: u32 = 0x11_0000;
/// The code points that are none.
const SURROGATES: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;

/// A text behind the key `last`, and before `until` if that is there, and at which place it differs from `last`: that is not before
/// `place`, counted in characters. It halves what characters of the same kind may come there; what comes behind those lies behind
/// it too. None where there is no such text.
pub(super) fn middle(last: &str, until: Option<&str>, place: usize) -> Option<(String, usize)> {
    let mut until = until.map(|until| until.chars());
    for (at, (start, here)) in last.char_indices().enumerate() {
        let bound = match &mut until {
            Some(rest) => rest.next().map(u32::from)?,
            None => END,
        };
        if at >= place
            && let Some(half) = halve(u32::from(here), bound)
        {
            let mut middle = last[..start].to_owned();
            middle.push(half);
            return Some((middle, at));
        }
        if u32::from(here) != bound {
            until = None; // what begins as `last` is before it whatever follows
        }
    }
    None
}

/// At which place two keys differ, counted in characters.
pub(super) fn difference(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count()
}

/// A character between two code points, both of which it is not.
fn halve(from: u32, bound: u32) -> Option<char> {
    let kind_ends = match char::from_u32(from)? {
        '0'..='9' => u32::from('9') + 1,
        'A'..='Z' => u32::from('Z') + 1,
        'a'..='z' => u32::from('z') + 1,
        '\0'..='\x7E' => 0x7F,
        _ => END,
    };
    let to = kind_ends.min(bound);
    let mut half = from + to.saturating_sub(from) / 2;
    if SURROGATES.contains(&half) {
        half = SURROGATES.end() + 1;
    }
    if half & 0xFFFE == 0xFFFE {
        half -= 2; // no character, which XML cannot hold
    }
    (half > from && half < bound).then(|| char::from_u32(half)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_middle_is_behind_the_last_key_and_before_the_end() {
        let keys = [
            "",
            "t",
            "t-0",
            "t-0999",
            "t-1",
            "t 1",
            "t%",
            "é/冬",
            "\u{D7FF}",
            "\u{E000}x",
            "\u{10FFFF}",
            "~",
            "\u{7F}",
        ];
        for last in keys.map(|key| format!("p/{key}")) {
            for until in keys.map(|key| Some(format!("p/{key}"))).into_iter().chain([None]) {
                for place in 0..6 {
                    let found = middle(&last, until.as_deref(), place);
                    let is_ahead = until.as_ref().is_none_or(|until| *until > last);
                    let Some((middle, at)) = found.filter(|_| is_ahead) else { continue };
                    assert!(
                        middle > last && until.as_ref().is_none_or(|until| middle < *until),
                        "{last} {middle} {until:?}"
                    );
                    assert!(at >= place && difference(&middle, &last) == at, "{last} {middle}");
                }
            }
        }
        assert_eq!(middle("p/t-0000123", None, 4), Some(("p/t-5".to_owned(), 4)));
        assert_eq!(middle("p/t-0000123", Some("p/t-5"), 4), Some(("p/t-2".to_owned(), 4)));
        assert_eq!(middle("p/t-0000123", Some("p/t-1"), 4), Some(("p/t-05".to_owned(), 5)));
        assert_eq!(middle("p/t-9", Some("p/t-9"), 0), None);
    }
}
