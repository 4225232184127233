//! Where frequencies and times stand in the picture, and which of them get a label.

use super::super::{
    clock,
    mel::{hz_of, mel_of},
};

/// The row, counted from the top, at which a frequency stands in a plot of `height` rows up to half of `rate`.
pub(super) fn row_of(hz: f64, height: usize, rate: u32) -> f64 {
    let top = mel_of(f64::from(rate) / 2.0);
    height as f64 * (1.0 - mel_of(hz) / top)
}

/// The frequency at a place counted in rows from the bottom.
pub(super) fn hz_of_row(row: f64, height: usize, rate: u32) -> f64 {
    hz_of(mel_of(f64::from(rate) / 2.0) * row / height as f64)
}

/// A labelled place on an axis, in pixels from its start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// Labels of the frequency axis, from the bottom, at least `apart` pixels from each other; `at` counts from the top.
pub(super) fn frequencies(height: usize, rate: u32, apart: f64) -> Vec<Tick> {
    let mut ticks: Vec<Tick> = Vec::new();
    let mut last = height as f64;
    for hz in [100u32, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000] {
        let at = row_of(f64::from(hz), height, rate);
        if at < 0.0 || last - at < apart {
            continue;
        }
        last = at;
        let label = if hz < 1_000 { format!("{hz} Hz") } else { format!("{} kHz", hz / 1_000) };
        ticks.push(Tick { at, label });
    }
    ticks
}

/// Labels of the time axis from 0 on, at least `apart` pixels from each other.
pub(crate) fn times(seconds: f64, width: usize, apart: f64) -> Vec<Tick> {
    const STEPS: [f64; 25] = [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0,
        600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0,
    ];
    let pixels = width as f64 / seconds;
    let step = STEPS.into_iter().find(|step| step * pixels >= apart).unwrap_or(86_400.0);
    let decimals = if step >= 1.0 {
        0
    } else if step >= 0.1 {
        1
    } else if step >= 0.01 {
        2
    } else {
        3
    };
    (0..)
        .map(|index| f64::from(index) * step)
        .take_while(|time| *time <= seconds && time * pixels <= width as f64)
        .map(|time| {
            let label = if step >= 1.0 { clock(time) } else { format!("{time:.decimals$} s") };
            Tick { at: time * pixels, label }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_stand_where_they_are_read_back() {
        for hz in [50.0, 440.0, 1000.0, 9999.0] {
            let row = row_of(hz, 480, 44_100);
            assert!((hz_of_row(480.0 - row, 480, 44_100) - hz).abs() < 1e-6);
        }
        assert_eq!(row_of(22_050.0, 480, 44_100), 0.0);
    }

    #[test]
    fn labels_are_round_numbers_that_do_not_crowd() {
        let labels = |ticks: Vec<Tick>| ticks.into_iter().map(|tick| tick.label).collect::<Vec<_>>();
        let got = labels(frequencies(520, 44_100, 20.0));
        assert_eq!(got, ["200 Hz", "500 Hz", "1 kHz", "2 kHz", "5 kHz", "10 kHz", "20 kHz"]);
        assert_eq!(labels(times(20.0, 1100, 80.0)).len(), 11);
        assert_eq!(labels(times(184.0, 1100, 80.0))[..3], ["0:00", "0:15", "0:30"]);
        assert_eq!(labels(times(0.4, 1100, 80.0))[..2], ["0.00 s", "0.05 s"]);
        for seconds in [0.0001, 0.5, 3.0, 61.0, 4000.0, 90_000.0] {
            let ticks = times(seconds, 1100, 80.0);
            assert!(!ticks.is_empty() && ticks.len() < 15, "{seconds} s: {ticks:?}");
            assert!(ticks.windows(2).all(|pair| pair[1].at - pair[0].at >= 79.9));
        }
    }
}
