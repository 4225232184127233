//! Patterns for names of sources: `*.live.*`, `demos/**`, `{a,b}/[0-9]*`.
//!
//! `*` and `?` stay within one name, `**` does not. A pattern without a slash fits a name at any depth. One that fits a
//! folder fits all that lies in it.

use std::fmt;

use euterpe_actors::ids::normal_form;

/// The most bytes of a pattern, and the most alternatives that its braces stand for.
const LONGEST: usize = 256;
const MOST_ALTERNATIVES: usize = 64;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    written: String,
    alternatives: Vec<Vec<Token>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// This character.
    One(char),
    /// `?`.
    Any,
    /// `[a-z]`, `[!a-z]`: the ranges, and whether they are the ones that do not fit.
    Class(Vec<(char, char)>, bool),
    /// `*`.
    Star,
    /// `**`.
    Everything,
    /// `**/`: some folders, or none.
    Folders,
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn parse(written: &str) -> Result<Self, String> {
        if written.len() > LONGEST {
            return Err(format!("a pattern has at most {LONGEST} bytes, this one has {}", written.len()));
        }
        let text = normal_form(written);
        let text = text.strip_suffix('/').unwrap_or(&text);
        if text.is_empty() || text.starts_with('/') {
            return Err("a pattern is a name such as `*.bak`, or starts at the store such as `demos/**`".into());
        }
        let mut alternatives = Vec::new();
        let anywhere = !text.contains('/');
        for text in alternatives_of(text)? {
            if text.split('/').any(|name| matches!(name, "" | "." | "..")) {
                return Err("it fits no name: a path starts at the store and has no part `.` or `..` and no `//`; \
                            write `demos/**` and not `./demos/**`"
                    .into());
            }
            let mut tokens = tokens(&text)?;
            if anywhere {
                tokens.insert(0, Token::Folders);
            }
            alternatives.push(tokens);
        }
        Ok(Self { written: written.to_owned(), alternatives })
    }

    /// Whether the pattern fits a path, or a folder on the way to it.
    pub fn fits(&self, path: &str) -> bool {
        let path = normal_form(path);
        self.alternatives.iter().any(|tokens| fits(tokens, &path))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Follows all ways through the tokens at once, so that no pattern takes long.
fn fits(tokens: &[Token], path: &str) -> bool {
    let end = tokens.len();
    let mut now = vec![false; end + 1];
    now[0] = true;
    let mut starts_name = true;
    for c in path.chars().map(Some).chain([None]) {
        for at in 0..end {
            // What may stand for nothing is passed.
            let passes = match tokens[at] {
                Token::Star | Token::Everything => true,
                Token::Folders => starts_name,
                _ => false,
            };
            now[at + 1] |= now[at] && passes;
        }
        if now[end] && matches!(c, None | Some('/')) {
            return true;
        }
        let Some(c) = c else { return false };
        let mut next = vec![false; end + 1];
        for at in (0..end).filter(|at| now[*at]) {
            match &tokens[at] {
                Token::Everything | Token::Folders => next[at] = true,
                Token::Star => next[at] |= c != '/',
                Token::One(one) => next[at + 1] |= *one == c,
                Token::Any => next[at + 1] |= c != '/',
                Token::Class(ranges, inverted) => {
                    let within = ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
                    next[at + 1] |= c != '/' && within != *inverted;
                }
            }
        }
        now = next;
        starts_name = c == '/';
    }
    false
}

/// The texts that braces stand for.
fn alternatives_of(text: &str) -> Result<Vec<String>, String> {
    let (mut depth, mut open, mut commas) = (0, 0, Vec::new());
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '{' => {
                depth += 1;
                if depth == 1 {
                    open = at;
                }
            }
            ',' if depth == 1 => commas.push(at),
            '}' if depth == 1 => {
                let mut all = Vec::new();
                let mut from = open + 1;
                for to in commas.into_iter().chain([at]) {
                    let one = format!("{}{}{}", &text[..open], &text[from..to], &text[at + 1..]);
                    all.extend(alternatives_of(&one)?);
                    if all.len() > MOST_ALTERNATIVES {
                        return Err(format!(
                            "its braces stand for more than {MOST_ALTERNATIVES} patterns; write several"
                        ));
                    }
                    from = to + 1;
                }
                return Ok(all);
            }
            '}' if depth == 0 => return Err("`}` without `{`; write `\\}` for the character itself".into()),
            '}' => depth -= 1,
            _ => {}
        }
    }
    if depth > 0 {
        Err("`{` without `}`; write `\\{` for the character itself".into())
    } else {
        Ok(vec![text.to_owned()])
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    let mut starts_name = true;
    while let Some(c) = rest.next() {
        let starts = std::mem::replace(&mut starts_name, c == '/');
        tokens.push(match c {
            '\\' => Token::One(rest.next().ok_or("`\\` at the end; write `\\\\` for the character itself")?),
            '?' => Token::Any,
            '*' if rest.peek() == Some(&'*') => {
                while rest.peek() == Some(&'*') {
                    rest.next();
                }
                if starts && rest.peek() == Some(&'/') {
                    rest.next();
                    starts_name = true;
                    Token::Folders
                } else {
                    Token::Everything
                }
            }
            '*' => Token::Star,
            '[' => class(&mut rest)?,
            other => Token::One(other),
        });
    }
    Ok(tokens)
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Token, String> {
    let open = || "`[` without `]`; write `\\[` for the character itself".to_owned();
    let inverted = rest.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let mut from = rest.next().ok_or_else(open)?;
        if from == ']' && !ranges.is_empty() {
            return Ok(Token::Class(ranges, inverted));
        }
        if from == '\\' {
            from = rest.next().ok_or_else(open)?;
        }
        let is_range = rest.peek() == Some(&'-') && rest.clone().nth(1).is_some_and(|c| c != ']');
        let to = if is_range {
            rest.next();
            rest.next().ok_or_else(open)?
        } else {
            from
        };
        if to < from {
            return Err(format!("`{from}-{to}` in brackets holds no character; write `{to}-{from}`"));
        }
        ranges.push((from, to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_names_folders_and_paths() {
        for (pattern, fitting, other) in [
            ("*.bak", vec!["x.bak", "a/b/x.bak"], vec!["x.bak2", "bak"]),
            ("live", vec!["live", "a/live/x.flac", "live/x"], vec!["alive/x", "live2"]),
            ("demos/*.wav", vec!["demos/x.wav"], vec!["demos/a/x.wav", "a/demos/x.wav"]),
            ("demos/**", vec!["demos/x.wav", "demos/a/x.wav"], vec!["demos", "demo/x"]),
            ("demos/", vec!["demos/x.wav", "a/demos/x"], vec!["demo"]),
            ("**/live/*", vec!["live/x", "a/b/live/x"], vec!["a/livex/y"]),
            ("a/**/z", vec!["a/z", "a/b/c/z"], vec!["az", "a/bz"]),
            ("{a,b{1,2}}/[0-9]?*", vec!["a/12", "b2/3x"], vec!["b/12", "a/x1", "a/1"]),
            ("[!a-c]x", vec!["dx", "q/dx"], vec!["ax", "x"]),
            ("\\*\\{x", vec!["*{x"], vec!["a{x"]),
            ("caf\u{e9}*", vec!["cafe\u{301} 1"], vec!["cafe"]),
        ] {
            let glob = Glob::parse(pattern).expect(pattern);
            for path in fitting {
                assert!(glob.fits(path), "{pattern} and {path}");
            }
            for path in other {
                assert!(!glob.fits(path), "{pattern} and {path}");
            }
        }
    }

    #[test]
    fn a_broken_pattern_is_named_and_none_takes_long() {
        for broken in [
            "",
            "/x",
            "a{b",
            "a}b",
            "a[b",
            "[z-a]",
            "x\\",
            "./x",
            "a/../x",
            "a//x",
            "{./a,b}/x",
            &"x".repeat(257),
            &"{a,b}".repeat(7),
        ] {
            assert!(Glob::parse(broken).is_err(), "{broken}");
        }
        let glob = Glob::parse(&"*a".repeat(120)).expect("a pattern");
        assert!(!glob.fits(&"a".repeat(119)));
    }
}
