//! Reads and writes durations (`1h30m`) and sizes (`512MiB`).

use std::time::Duration;

const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Reads a duration: whole numbers with `d`, `h`, `m`, `s` or `ms`, the greater units first (`1h30m`, `500ms`).
///
/// `None` where the text is no duration.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut last = u64::MAX;
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (_, unit) = TIMES.into_iter().find(|(name, _)| *name == &rest[..letters])?;
        if unit >= last {
            return None;
        }
        last = unit;
        rest = &rest[letters..];
        millis = millis.checked_add(number.checked_mul(unit)?)?;
    }
    (last != u64::MAX).then_some(Duration::from_millis(millis))
}

/// Reads a size in bytes: a number with `B`, `KB`, `MB`, `GB`, `TB` (powers of 1,000) or `KiB` … `TiB` (of 1,024).
///
/// `None` where the text is no size.
pub fn size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (_, unit) = SIZES.into_iter().find(|(name, _)| *name == text[digits..].trim_start())?;
    if let Ok(whole) = text[..digits].parse::<u64>() {
        return whole.checked_mul(unit);
    }
    let number: f64 = text[..digits].parse().ok()?;
    let bytes = number * unit as f64;
    (bytes.is_finite() && bytes < 1e18).then_some(bytes as u64)
}

/// Writes a duration in the form that [`duration`] reads, cut to milliseconds.
pub fn duration_text(time: Duration) -> String {
    let mut left = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (name, unit) in TIMES {
        if left >= unit {
            out.push_str(&format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    if out.is_empty() { "0s".into() } else { out }
}

/// Writes a size in the form that [`size`] reads, in the greatest unit that divides it.
pub fn size_text(bytes: u64) -> String {
    let whole = |(_, unit): &(&str, u64)| bytes >= *unit && bytes.is_multiple_of(*unit);
    let (name, unit) = SIZES.into_iter().filter(whole).max_by_key(|(_, unit)| *unit).unwrap_or(("B", 1));
    format!("{}{name}", bytes / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_back_what_is_written() {
        for (text, millis) in [("10m", 600_000), ("1h30m", 5_400_000), ("500ms", 500), ("1d2h3m4s5ms", 93_784_005)] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(duration_text(Duration::from_millis(millis)), text);
        }
        for (text, bytes) in [("512MiB", 512 << 20), ("4GB", 4_000_000_000), ("1KiB", 1024), ("7B", 7)] {
            assert_eq!(size(text), Some(bytes), "{text}");
            assert_eq!(size_text(bytes), text);
        }
        assert_eq!(size("1.5GiB"), Some(3 << 29));
        assert_eq!(size("2 GB"), Some(2_000_000_000));
    }

    #[test]
    fn what_has_no_unit_a_wrong_order_or_no_number_is_refused() {
        for bad in
            ["", "10", "m", "10x", "1m1h", "1m1m", "1.5h", "-1s", "99999999999999999999s", "18446744073709551615d"]
        {
            assert_eq!(duration(bad), None, "{bad}");
        }
        for bad in ["", "10", "GB", "10gb", "-1B", "..MB", "99999999999TiB", "1e3MB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}
