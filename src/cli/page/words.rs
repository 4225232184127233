//! How times, sizes, numbers and selections are said to people.

use std::time::Duration;

use euterpe_actors::plan::NodePlan;
pub use euterpe_engine::asked as selection;
use euterpe_engine::{Former, FormerGroup, Outdated, OutdatedGroup, Passed};

/// A time in milliseconds after the Unix epoch, in UTC.
pub fn time(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| format!("{millis} ms after 1970"), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A size in bytes.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// A duration as a person would say it: `4 s`, `3 min`, `2 h 5 min`.
pub fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Seconds as they are measured: `0.03 s`, `58.2 s`, then as [`short`] says them.
pub fn measured(millis: u64) -> String {
    match millis {
        0..10_000 => format!("{:.2} s", millis as f64 / 1000.0),
        10_000..60_000 => format!("{:.1} s", millis as f64 / 1000.0),
        _ => short(Duration::from_millis(millis)),
    }
}

/// The beginning of a text, so that it has at most so many characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// A number with its noun, in the singular for one.
pub fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// What a listing passed over, by kind; nothing where there was nothing.
pub fn passed_over(passed: &Passed) -> String {
    if passed.total() == 0 {
        return String::new();
    }
    let mut text = format!("\npassed over {}\n", count(passed.total(), "other file", "other files"));
    passed.lines().iter().for_each(|line| text += &format!("  {}\n", plain(line, false)));
    text
}

/// A word as it is typed in a shell: between quotes where it holds more than plain characters.
pub fn for_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/,=:+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// What is out of date, a line for each job and each cause; empty where nothing is.
pub fn out_of_date(title: &str, outdated: &Outdated, plan: &NodePlan) -> String {
    let mut text = String::new();
    for (at, OutdatedGroup { count, entity, text: why }) in outdated.iter() {
        if text.is_empty() {
            text += &format!("\n{title}\n");
        }
        text += &format!("  {}: {count}, such as `{entity}`: {}\n", plan.job(at).name, plain(why, false));
    }
    text
}

/// What was made before jobs were changed, a line for each, and what to do about it; empty where there is nothing.
pub fn former(former: &Former, plan: &NodePlan, file: &str) -> String {
    let mut text = String::new();
    let mut jobs: Vec<&str> = Vec::new();
    for FormerGroup { at, count, entity, change } in former.iter() {
        if text.is_empty() {
            text += "\nmade before a job was changed, and left as it is\n";
        }
        let job = plan.job(*at).name.as_str();
        text += &format!("  {job}: {count}, such as `{entity}`: {}\n", plain(change, false));
        if !jobs.contains(&job) {
            jobs.push(job);
        }
    }
    if !jobs.is_empty() {
        let (list, words) = (jobs.join(","), jobs.join(" "));
        // One record holds for the graph: that its stores lie elsewhere today is no part of it.
        let also = if file.contains(" --store ") { ", in the other places of its stores as well" } else { "" };
        text += &format!(
            "  `euterpe run {file} --refresh={list}` makes it anew, `euterpe accept {file} {words}` keeps it{also}\n"
        );
    }
    text
}

/// An id as it is typed in a shell behind all flags of a command.
pub fn id_for_shell(id: &str) -> String {
    let word = for_shell(id);
    if id.starts_with('-') { format!("-- {word}") } else { word }
}

/// Foreign text, safe on a terminal: control characters are spelled out, and lines kept only where they may be.
pub fn plain(text: &str, lines: bool) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if lines => plain.push('\n'),
            '\t' => plain.push_str("    "),
            '\r' if lines => {}
            c if c.is_control()
                || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}') =>
            {
                plain.extend(c.escape_default());
            }
            c => plain.push(c),
        }
    }
    plain
}

/// The most characters of an id, and of a sentence, in a list for people; JSON has all of them.
const LONGEST_ID: usize = 80;
const LONGEST_SENTENCE: usize = 300;

/// An id or another name in a list: one cell or the beginning of one line, whatever it holds.
pub fn name(text: &str) -> String {
    cut(&plain(&text.replace('\t', "\\t"), false), LONGEST_ID)
}

/// A foreign sentence in a list: one line.
pub fn sentence(text: &str) -> String {
    cut(&plain(text, false), LONGEST_SENTENCE)
}

/// Text with every line set in by some spaces.
pub fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

/// The most characters to which the cells of a column are filled up.
const WIDEST: usize = 48;

/// Lines of cells set in columns: the first ones to the left, those that `right` names to the right.
pub fn columns(lines: &[Vec<String>], right: &[usize]) -> String {
    let wide = lines.iter().map(Vec::len).max().unwrap_or(0);
    // One long cell is no reason to push all the others aside.
    let width_of = |cell: &String| cell.chars().count().min(WIDEST);
    let width = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(width_of).max();
    let widths: Vec<usize> = (0..wide).map(|at| width(at).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in lines {
        let mut shown = String::new();
        for (at, cell) in line.iter().enumerate() {
            let gap = widths[at].saturating_sub(cell.chars().count());
            let gap = " ".repeat(gap);
            shown += &if right.contains(&at) { format!("{gap}{cell}  ") } else { format!("{cell}{gap}  ") };
        }
        text += shown.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_looks_like_a_flag_is_typed_behind_the_flags() {
        assert_eq!(["-n", "--force=all", "t-1", "a b"].map(id_for_shell), ["-- -n", "-- --force=all", "t-1", "'a b'"]);
    }

    #[test]
    fn foreign_text_cannot_steer_a_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\nc", false), "a\\u{1b}[2Jb\\nc");
        assert_eq!(plain("a\r\nb\u{202e}", true), "a\nb\\u{202e}");
    }

    #[test]
    fn what_stands_in_a_list_has_one_line_and_an_end() {
        assert_eq!(name("a\tb\nc"), "a\\tb\\nc");
        assert_eq!(name(&"x".repeat(65_536)).chars().count(), LONGEST_ID);
        assert_eq!(sentence(&"é ".repeat(5_000)).chars().count(), LONGEST_SENTENCE);
    }

    #[test]
    fn a_word_with_spaces_or_quotes_can_be_typed_again() {
        assert_eq!(for_shell("my/graph.yaml"), "my/graph.yaml");
        assert_eq!(for_shell("it's here"), "'it'\\''s here'");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let line = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = columns(&[line(["job", "have", "why"]), line(["melody", "1", ""])], &[1]);
        assert_eq!(text, "job     have  why\nmelody     1\n");
        let text = columns(&[line([&"x".repeat(500), "1", "a"]), line(["y", "2", "b"])], &[]);
        let second = text.lines().nth(1).expect("two lines");
        assert_eq!(second.chars().count(), WIDEST + 2 + 1 + 2 + 1, "{second}");
    }
}
