//! What is asked of all nodes, and what each of them answers, over the exchange of reports.

use serde::{Deserialize, Serialize};

use super::filter::LogFilter;
use super::line::LogLine;

/// The key of what is asked.
pub const ASK_KEY: &str = "logs.ask";

/// The key of the answers to who asks by this word.
pub fn told_key(token: &str) -> String {
    format!("logs.told.{token}")
}

/// Whether `token` can stand in a key.
pub fn is_token(token: &str) -> bool {
    (1..=32).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Asks for lines. Asked again by the same word, a node goes on where its last answer ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// Tells who asks from all others.
    pub token: String,
    /// Which lines.
    pub filter: LogFilter,
    /// Whether also those that come later, until it is not asked again for a while.
    pub follow: bool,
}

/// Some lines of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its name.
    pub node: String,
    /// Its process: lines are numbered from its start.
    pub process: u64,
    /// The first number that was looked at.
    pub from: u64,
    /// The number after the last one that was looked at.
    pub to: u64,
    /// The lines that were asked for, with their numbers.
    pub lines: Vec<(u64, LogLine)>,
    /// Whether there are no more by now.
    pub done: bool,
    /// Why it does not answer, where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}
