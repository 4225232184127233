//! What a node owes to those that asked for its log lines.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::filter::LogFilter;
use super::ring::{LogRing, Part};
use super::wire::{Ask, Told, is_token, told_key};

/// For how long who asked is told of lines that come later, unless it asks again.
pub const LEASE: Duration = Duration::from_secs(15);
/// How many may ask at once.
const MOST: usize = 32;

/// Those that asked a node.
pub struct Answers {
    node: String,
    ring: Arc<LogRing>,
    askers: HashMap<String, Asker>,
}

struct Asker {
    filter: LogFilter,
    follows: bool,
    /// The number of the line that comes next for it.
    next: u64,
    until: Instant,
    /// Whether it waits for an answer.
    is_due: bool,
}

impl Answers {
    /// Nobody has asked the node called `node` yet.
    pub fn of(node: &str, ring: Arc<LogRing>) -> Self {
        Self { node: node.to_owned(), ring, askers: HashMap::new() }
    }

    /// Somebody asks. What it is told at once, where it gets no lines.
    pub fn asked(&mut self, ask: Ask) -> Option<(String, Told)> {
        if !is_token(&ask.token) {
            tracing::warn!("somebody asked for log lines by a word that can be none");
            return None;
        }
        let (key, until) = (told_key(&ask.token), Instant::now() + LEASE);
        if let Some(asker) = self.askers.get_mut(&ask.token) {
            (asker.until, asker.is_due) = (until, true);
            return None;
        }
        self.forget();
        if self.askers.len() >= MOST {
            let refused = format!("{MOST} others are told its lines already");
            return Some((key, Told { refused: Some(refused), ..self.told(self.nothing()) }));
        }
        let next = self.ring.start(&ask.filter);
        let asker = Asker { filter: ask.filter, follows: ask.follow, next, until, is_due: true };
        self.askers.insert(ask.token, asker);
        None
    }

    /// Whether anybody has to be told anything, now or later.
    pub fn is_followed(&self) -> bool {
        self.askers.values().any(|asker| asker.is_due || asker.follows)
    }

    /// Tells each that asked what it has not been told. What cannot be sent comes again.
    pub fn tell(&mut self, send: impl Fn(String, &Told) -> bool) {
        self.forget();
        let newest = self.ring.next();
        let mut askers = std::mem::take(&mut self.askers);
        for (token, asker) in &mut askers {
            while asker.is_due || (asker.follows && asker.next < newest) {
                let told = self.told(self.ring.part(asker.next, &asker.filter));
                if !send(told_key(token), &told) {
                    break;
                }
                asker.next = told.to;
                asker.is_due = !told.done;
            }
        }
        self.askers = askers;
    }

    fn told(&self, part: Part) -> Told {
        let Part { from, to, lines, is_last } = part;
        Told { node: self.node.clone(), process: self.ring.process, from, to, lines, done: is_last, refused: None }
    }

    fn nothing(&self) -> Part {
        let next = self.ring.next();
        Part { from: next, to: next, lines: Vec::new(), is_last: true }
    }

    fn forget(&mut self) {
        let now = Instant::now();
        self.askers.retain(|_, asker| asker.until > now);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;

    use super::super::line::{LogLevel, LogLine};
    use super::*;

    fn say(ring: &LogRing, text: &str) {
        let said = json!({"message": text}).as_object().expect("fields").clone();
        ring.push(LogLine::new(0, LogLevel::Info, String::new(), said));
    }

    fn ask(token: &str, follow: bool) -> Ask {
        Ask { token: token.into(), filter: LogFilter::from_level(LogLevel::Info), follow }
    }

    /// What is told, as texts for each key.
    fn told(answers: &mut Answers, takes: bool) -> Vec<(String, String, bool)> {
        let heard = RefCell::new(Vec::new());
        answers.tell(|key, told| {
            let texts: Vec<&str> = told.lines.iter().map(|(_, line)| line.message.as_str()).collect();
            heard.borrow_mut().push((key, texts.join(" "), told.done));
            takes
        });
        heard.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn who_follows_is_told_each_line_once_until_it_asks_no_more() {
        let ring = Arc::new(LogRing::default());
        let mut answers = Answers::of("node-1", ring.clone());
        say(&ring, "before");
        assert!(answers.asked(ask("x", true)).is_none() && answers.is_followed());
        let of_x = |text: &str| vec![("logs.told.x".to_owned(), text.to_owned(), true)];
        assert_eq!(told(&mut answers, true), of_x("before"));
        assert_eq!(told(&mut answers, true), []);
        say(&ring, "later");
        assert_eq!(told(&mut answers, false), of_x("later"), "which is lost");
        assert_eq!(told(&mut answers, true), of_x("later"));
        answers.asked(ask("x", true));
        assert_eq!(told(&mut answers, true), of_x(""), "asked again, it answers, if only that there is no more");
        tokio::time::advance(LEASE).await;
        say(&ring, "late");
        assert_eq!(told(&mut answers, true), []);
        assert!(!answers.is_followed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_follow_is_told_what_is_there_and_what_it_has_not_got_when_it_asks_again() {
        let ring = Arc::new(LogRing::default());
        let mut answers = Answers::of("node-1", ring.clone());
        (0..501).for_each(|_| say(&ring, "."));
        answers.asked(ask("x", false));
        let parts: Vec<(usize, bool)> =
            told(&mut answers, true).into_iter().map(|(_, text, done)| (text.split(' ').count(), done)).collect();
        assert_eq!(parts, [(500, false), (1, true)]);
        say(&ring, "later");
        assert_eq!((told(&mut answers, true).len(), answers.is_followed()), (0, false));
        answers.asked(ask("x", false));
        assert_eq!(told(&mut answers, true)[0].1, "later");
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_are_told_and_words_that_would_be_other_keys_are_no_words() {
        let mut answers = Answers::of("node-1", Arc::default());
        assert!(answers.asked(ask("a.b", true)).is_none() && !answers.is_followed());
        let refusals: Vec<_> = (0..=MOST).filter_map(|n| answers.asked(ask(&format!("x{n}"), true))).collect();
        assert_eq!(refusals.len(), 1);
        assert!(refusals[0].1.refused.is_some() && refusals[0].0 == format!("logs.told.x{MOST}"));
    }
}
