//! How times, sizes and numbers are said on pages.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use euterpe_engine::ItemState;

/// Milliseconds after the Unix epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A time in milliseconds after the Unix epoch, in UTC.
pub(crate) fn time(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| format!("{millis} ms after 1970"), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// A size in bytes.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// A duration: `0.25 s`, `58.2 s`, `3 min`, `2 h 5 min`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.2} s", time.as_secs_f64()),
        10..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A whole number with commas between its thousands.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun, in the singular for one.
pub(crate) fn count(many: u64, one: &str, several: &str) -> String {
    if many == 1 { format!("1 {one}") } else { format!("{} {several}", number(many)) }
}

/// A rate in a second, such as `12/s` or `3/min`.
pub(crate) fn rate(in_a_second: f64) -> String {
    match in_a_second {
        rate if rate <= 0.0 => "–".to_owned(),
        rate if rate >= 9.5 => format!("{rate:.0}/s"),
        rate if rate >= 0.95 => format!("{rate:.1}/s"),
        rate if rate * 60.0 >= 0.95 => format!("{:.0}/min", rate * 60.0),
        rate => format!("{:.0}/h", (rate * 3600.0).ceil()),
    }
}

/// All states, in the order in which pages show them.
pub(crate) const STATES: [ItemState; 5] =
    [ItemState::Done, ItemState::Stale, ItemState::Missing, ItemState::Skipped, ItemState::Dead];

/// What a state means, in a sentence's piece.
pub(crate) fn meaning(state: ItemState) -> &'static str {
    match state {
        ItemState::Done => "there, and up to date",
        ItemState::Stale => "there, and out of date: a run makes it anew",
        ItemState::Missing => "not there yet: a run makes it",
        ItemState::Skipped => "declined or given up",
        ItemState::Dead => "failed for good: see its dead letter",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rates_and_times_are_said_as_people_say_them() {
        assert_eq!([number(7), number(1234), number(1_000_000)], ["7", "1,234", "1,000,000"]);
        assert_eq!(
            [rate(0.0), rate(0.0001), rate(0.05), rate(2.0), rate(80.4)],
            ["–", "1/h", "3/min", "2.0/s", "80/s"]
        );
        let seconds = |seconds| duration(Duration::from_secs_f64(seconds));
        assert_eq!(
            [seconds(0.25), seconds(58.2), seconds(61.0), seconds(7500.0)],
            ["0.25 s", "58.2 s", "2 min", "2 h 5 min"]
        );
        assert_eq!((size(5), size(5 << 20)), ("5 bytes".to_owned(), "5.0 MiB".to_owned()));
        assert_eq!(time(0), "1970-01-01 00:00:00 UTC");
    }
}
