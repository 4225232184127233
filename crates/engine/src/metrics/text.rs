//! The text format of Prometheus, version 0.0.4, as [`TextEncoder`] writes it, and faster: the labels of a metric
//! are written once for all of its buckets. A node of some hundred jobs has tens of thousands of lines.

use std::fmt::Write;

use prometheus::TextEncoder;
use prometheus::proto::{LabelPair, MetricFamily, MetricType};

/// Integers up to here are exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// All families, one after the other.
///
/// # Errors
/// Where the encoder refuses a metric of a kind that is left to it.
pub(super) fn text(families: &[MetricFamily]) -> Result<String, prometheus::Error> {
    let (mut text, mut labels, mut bounds) = (String::new(), String::new(), Vec::new());
    for family in families {
        let kind = match family.get_field_type() {
            MetricType::COUNTER => "counter",
            MetricType::GAUGE => "gauge",
            MetricType::HISTOGRAM => "histogram",
            _ => {
                TextEncoder::new().encode_utf8(std::slice::from_ref(family), &mut text)?;
                continue;
            }
        };
        let name = family.name();
        if !family.help().is_empty() {
            text.extend(["# HELP ", name, " "]);
            escape(family.help(), false, &mut text);
            text.push('\n');
        }
        text.extend(["# TYPE ", name, " ", kind, "\n"]);
        for metric in family.get_metric() {
            labels.clear();
            write_labels(metric.get_label(), &mut labels);
            let mut line = |suffix: &str, bound: Option<&str>, value: f64| {
                text.extend([name, suffix]);
                match (labels.is_empty(), bound) {
                    (true, None) => {}
                    (true, Some(bound)) => text.extend(["{le=\"", bound, "\"}"]),
                    (false, None) => text.extend(["{", &labels, "}"]),
                    (false, Some(bound)) => text.extend(["{", &labels, ",le=\"", bound, "\"}"]),
                }
                text.push(' ');
                write_number(value, &mut text);
                text.push('\n');
            };
            match family.get_field_type() {
                MetricType::COUNTER => line("", None, metric.get_counter().get_value()),
                MetricType::GAUGE => line("", None, metric.get_gauge().get_value()),
                _ => {
                    let histogram = metric.get_histogram();
                    let mut has_all = false;
                    for (at, bucket) in histogram.get_bucket().iter().enumerate() {
                        let bound = bound_at(&mut bounds, at, bucket.upper_bound());
                        line("_bucket", Some(bound), bucket.cumulative_count() as f64);
                        has_all |= bucket.upper_bound() == f64::INFINITY;
                    }
                    let count = histogram.get_sample_count() as f64;
                    if !has_all {
                        line("_bucket", Some("+Inf"), count);
                    }
                    line("_sum", None, histogram.get_sample_sum());
                    line("_count", None, count);
                }
            }
        }
    }
    Ok(text)
}

/// The bound of the bucket at a place, as text; mostly the one that was there before.
fn bound_at(bounds: &mut Vec<(f64, String)>, at: usize, bound: f64) -> &str {
    let known = bounds.get(at).is_some_and(|(known, _)| *known == bound);
    if !known {
        bounds.truncate(at);
        bounds.resize_with(at + 1, || (bound, bound.to_string()));
    }
    &bounds[at].1
}

fn write_labels(pairs: &[LabelPair], text: &mut String) {
    for (at, pair) in pairs.iter().enumerate() {
        text.extend([if at > 0 { "," } else { "" }, pair.name(), "=\""]);
        escape(pair.value(), true, text);
        text.push('"');
    }
}

fn write_number(value: f64, text: &mut String) {
    let is_whole = value.fract() == 0.0 && value.abs() < EXACT && (value != 0.0 || value.is_sign_positive());
    let written = if is_whole { write!(text, "{}", value as i64) } else { write!(text, "{value}") };
    written.expect("a String takes all");
}

fn escape(raw: &str, quotes: bool, text: &mut String) {
    if !raw.contains(['\\', '\n', '"']) {
        text.push_str(raw);
        return;
    }
    for letter in raw.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quotes => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use prometheus::{Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, Opts, Registry};

    use super::*;

    #[test]
    fn the_text_is_that_of_the_crates_own_encoder() {
        let labels = HashMap::from([("graph".to_owned(), "a \"b\" \\ c\nd".to_owned())]);
        for labels in [Some(labels), None] {
            let registry = Registry::new_custom(None, labels).expect("a registry");
            let gauges = GaugeVec::new(Opts::new("gauges", "helps\nwith \\ and \""), &["job"]).expect("gauges");
            for value in
                [0.0, -0.0, 1.5, -3.0, 1e15, 1e16, 1e300, 0.1 + 0.2, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
            {
                gauges.with_label_values(&[&format!("of {value:e}")]).set(value);
            }
            let gauge = Gauge::with_opts(Opts::new("gauge", "x")).expect("a gauge");
            gauge.set(-7.25);
            let counter = IntCounter::new("counter_total", "counts").expect("a counter");
            counter.inc_by(12_345_678_901);
            let bounds = |bounds: &[f64]| HistogramOpts::new("times", "t").buckets(bounds.to_vec());
            let times = HistogramVec::new(bounds(&[0.001, 0.25, 10.0]), &["job", "phase"]).expect("a histogram");
            for (job, seconds) in [("a", 0.2), ("b", 1e-9), ("b", 100.0)] {
                times.with_label_values(&[job, "work"]).observe(seconds);
            }
            let other = HistogramOpts::new("other", "o").buckets(vec![0.5, 10.0, f64::INFINITY]);
            let other = Histogram::with_opts(other).expect("a histogram");
            other.observe(0.75);
            registry.register(Box::new(gauges)).expect("taken");
            registry.register(Box::new(gauge)).expect("taken");
            registry.register(Box::new(counter)).expect("taken");
            registry.register(Box::new(times)).expect("taken");
            registry.register(Box::new(other)).expect("taken");
            let families = registry.gather();
            let theirs = TextEncoder::new().encode_to_string(&families).expect("encoded");
            assert_eq!(text(&families).expect("encoded"), theirs);
            assert!(theirs.contains("times_bucket") && theirs.contains("le=\"+Inf\""), "{theirs}");
        }
    }
}
