//! Where frequencies and times stand in the picture, and which of them get a label.

use super::super::{
    clock,
    mel::{hz_of, mel_of},
};

/// A mel scale between two frequencies in Hz, over so many pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MelAxis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) height: usize,
}

impl MelAxis {
    /// All that a rate holds.
    pub(super) fn whole(rate: u32, height: usize) -> Self {
        Self { low: 0.0, high: f64::from(rate) / 2.0, height }
    }

    /// The row, counted from the top, at which a frequency stands.
    pub(super) fn row_of(&self, hz: f64) -> f64 {
        let (low, high) = (mel_of(self.low), mel_of(self.high));
        self.height as f64 * (high - mel_of(hz)) / (high - low)
    }

    /// The frequency at a place counted in rows from the bottom.
    pub(super) fn hz_of_row(&self, row: f64) -> f64 {
        let (low, high) = (mel_of(self.low), mel_of(self.high));
        hz_of(low + (high - low) * row / self.height as f64)
    }

    /// Labels from the bottom, at least `apart` pixels from each other; `at` counts from the top.
    pub(crate) fn ticks(&self, apart: f64) -> Vec<Tick> {
        let mut ticks: Vec<Tick> = Vec::new();
        let mut last = self.height as f64;
        for hz in [100u32, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000] {
            let at = self.row_of(f64::from(hz));
            if at < 0.0 || last - at < apart {
                continue;
            }
            last = at;
            let label = if hz < 1_000 { format!("{hz} Hz") } else { format!("{} kHz", hz / 1_000) };
            ticks.push(Tick { at, label });
        }
        ticks
    }
}

/// A labelled place on an axis, in pixels from its start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) label: String,
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
            for axis in [MelAxis::whole(44_100, 480), MelAxis { low: 300.0, high: 5000.0, height: 333 }] {
                let row = axis.row_of(hz);
                assert!((axis.hz_of_row(axis.height as f64 - row) - hz).abs() < 1e-6);
            }
        }
        assert_eq!(MelAxis::whole(44_100, 480).row_of(22_050.0), 0.0);
    }

    #[test]
    fn labels_are_round_numbers_that_do_not_crowd() {
        let labels = |ticks: Vec<Tick>| ticks.into_iter().map(|tick| tick.label).collect::<Vec<_>>();
        let got = labels(MelAxis::whole(44_100, 520).ticks(20.0));
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
