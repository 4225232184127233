//! Short-time spectra of a stream of samples, frame by frame.
//!
//! Agrees with `librosa.stft(center=True, pad_mode="constant", window="hann")`: frame `t` is centred on sample `t · hop`,
//! the window is the periodic Hann window, what lies before the start and after the end is silence, and `n` samples give
//! `1 + n / hop` frames. Another [`Framing`] begins frame `t` at sample `t · hop`, or has other samples beyond the ends. Computed in
//! `f64`.

use std::{f64::consts::TAU, ops::Range, sync::Arc};

use euterpe_actors::{outcome::Fault, transform::OptionProblem};
use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex};

use super::framing::{Framing, Padding};

/// What is wrong with the length of the frames and the distance between them, in samples.
pub(crate) fn frame_problems(n_fft: usize, hop: usize) -> Vec<OptionProblem> {
    let counts = [("n_fft", n_fft, 16..=65_536), ("hop", hop, 1..=1 << 20)];
    let problem = |(name, value, allowed): (&str, usize, std::ops::RangeInclusive<usize>)| {
        let message = format!("expected {} to {}, got {value}", allowed.start(), allowed.end());
        (!allowed.contains(&value)).then(|| OptionProblem::new(name, message))
    };
    counts.into_iter().filter_map(problem).collect()
}

/// One frame.
#[derive(Clone, Debug)]
pub(crate) struct Heard<'f> {
    /// Its `n_fft` samples, without the window.
    pub(crate) samples: &'f [f32],
    /// Which of them are samples of the track, and not the silence around it.
    pub(crate) real: Range<usize>,
    /// Its spectrum, with the window: `n_fft / 2 + 1` bins.
    pub(crate) bins: &'f [Complex<f64>],
}

/// Takes samples and hands out spectra.
pub(crate) struct Spectra {
    hop: usize,
    window: Vec<f64>,
    fft: Arc<dyn RealToComplex<f64>>,
    frame: Vec<f64>,
    bins: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    framing: Framing,
    /// Whether what stands before the track is in front of `pending`.
    begun: bool,
    /// How many frames were handed out.
    frames: u64,
    /// Samples that some frame still needs.
    pending: Vec<f32>,
    /// Where in `pending` the next frame starts.
    next: usize,
    /// How many samples were taken in before `pending`, with the silence before the track.
    drained: usize,
    /// How many samples the track has so far.
    fed: usize,
}

impl Spectra {
    /// Spectra of `n_fft` samples (at least 2), one every `hop` samples (at least 1).
    pub(crate) fn new(n_fft: usize, hop: usize) -> Self {
        Self::with_window((0..n_fft).map(|n| 0.5 - 0.5 * (TAU * n as f64 / n_fft as f64).cos()).collect(), hop)
    }

    /// Spectra under another window, of as many samples as it has (at least 2).
    pub(crate) fn with_window(window: Vec<f64>, hop: usize) -> Self {
        let n_fft = window.len();
        let fft = RealFftPlanner::<f64>::new().plan_fft_forward(n_fft);
        Self {
            hop,
            window,
            frame: fft.make_input_vec(),
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
            framing: Framing::default(),
            begun: false,
            frames: 0,
            pending: Vec::new(),
            next: 0,
            drained: 0,
            fed: 0,
        }
    }

    /// The same with frames that lie otherwise.
    pub(crate) fn framed(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// How many samples the first frame has of what stands before the track.
    fn lead(&self) -> usize {
        if self.framing.center { self.window.len() / 2 } else { 0 }
    }

    /// Takes samples; calls `frame` with the squared magnitude of each of the `n_fft / 2 + 1` bins of every full frame.
    ///
    /// # Errors
    /// Those of `frame`.
    pub(crate) fn push(
        &mut self,
        samples: &[f32],
        frame: &mut impl FnMut(&[f64]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.push_bins(samples, &mut Self::powers(frame))
    }

    /// Takes samples; calls `frame` with every full frame.
    ///
    /// # Errors
    /// Those of `frame`.
    pub(crate) fn push_bins(
        &mut self,
        samples: &[f32],
        frame: &mut impl FnMut(Heard<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.fed += samples.len();
        if !self.begun {
            // A mirror image needs as many samples as it has.
            self.pending.extend_from_slice(samples);
            if self.framing.padding != Padding::Constant && self.pending.len() <= self.lead() {
                return Ok(());
            }
            self.begin();
            return self.take(&[], frame);
        }
        self.take(samples, frame)
    }

    /// Puts what stands before the track in front of it.
    fn begin(&mut self) {
        let lead = self.lead() as isize;
        let before: Vec<f32> = (-lead..0).map(|at| self.framing.padding.sample(&self.pending, at)).collect();
        self.pending.splice(0..0, before);
        self.begun = true;
    }

    /// Hands out the frames at the end, which reach into what stands after it.
    ///
    /// # Errors
    /// Those of `frame`; a fault of the input where there was no frame at all.
    pub(crate) fn finish(&mut self, frame: &mut impl FnMut(&[f64]) -> Result<(), Fault>) -> Result<(), Fault> {
        self.finish_bins(&mut Self::powers(frame))
    }

    /// Hands out the frames at the end, which reach into what stands after it.
    ///
    /// # Errors
    /// Those of `frame`; a fault of the input where there was no frame at all.
    pub(crate) fn finish_bins(&mut self, frame: &mut impl FnMut(Heard<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        if !self.begun {
            self.begin();
        }
        let lead = self.lead();
        let track = &self.pending[lead.saturating_sub(self.drained)..];
        let end = track.len() as isize;
        let after: Vec<f32> = (0..lead as isize).map(|at| self.framing.padding.sample(track, end + at)).collect();
        self.take(&after, frame)?;
        if self.frames == 0 {
            return Err(Fault::bad_input(format!(
                "what is read of the track is shorter than a frame of {} samples; choose a smaller `n_fft`, or `center: true`",
                self.window.len()
            )));
        }
        Ok(())
    }

    fn powers(frame: &mut impl FnMut(&[f64]) -> Result<(), Fault>) -> impl FnMut(Heard<'_>) -> Result<(), Fault> {
        let mut powers = Vec::new();
        move |heard| {
            powers.clear();
            powers.extend(heard.bins.iter().map(Complex::norm_sqr));
            frame(&powers)
        }
    }

    fn take(&mut self, samples: &[f32], frame: &mut impl FnMut(Heard<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        self.pending.extend_from_slice(samples);
        let n_fft = self.window.len();
        while self.next + n_fft <= self.pending.len() {
            let samples = &self.pending[self.next..self.next + n_fft];
            for ((windowed, &sample), weight) in self.frame.iter_mut().zip(samples).zip(&self.window) {
                *windowed = f64::from(sample) * weight;
            }
            self.fft
                .process_with_scratch(&mut self.frame, &mut self.bins, &mut self.scratch)
                .expect("the buffers are those that the transform made for itself");
            let (begin, lead) = (self.drained + self.next, self.lead());
            let within = |at: usize| at.saturating_sub(begin).min(n_fft);
            frame(Heard { samples, real: within(lead)..within(lead + self.fed), bins: &self.bins })?;
            self.next += self.hop;
            self.frames += 1;
        }
        // The mirror image of the end is made of the last samples.
        let done = self.next.min(self.pending.len().saturating_sub(self.lead() + 1));
        if done >= 1 << 15 {
            self.pending.drain(..done);
            self.next -= done;
            self.drained += done;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::tone;
    use super::*;

    fn spectra(samples: &[f32], n_fft: usize, hop: usize, blocks: usize) -> Vec<Vec<f64>> {
        let mut frames = Vec::new();
        let mut spectra = Spectra::new(n_fft, hop);
        let mut frame = |power: &[f64]| {
            frames.push(power.to_vec());
            Ok(())
        };
        for block in samples.chunks(blocks) {
            spectra.push(block, &mut frame).expect("taken");
        }
        spectra.finish(&mut frame).expect("taken");
        frames
    }

    #[test]
    fn there_is_one_frame_for_every_hop_and_one_more() {
        for (samples, n_fft, hop) in
            [(1, 2048, 512), (511, 2048, 512), (512, 2048, 512), (100_000, 1024, 300), (5000, 64, 999)]
        {
            assert_eq!(spectra(&vec![0.1; samples], n_fft, hop, 700).len(), 1 + samples / hop, "{samples} samples");
        }
    }

    #[test]
    fn a_sine_stands_in_its_bin_with_the_power_of_its_window() {
        let frames = spectra(&tone(1000.0, 16_000, 16_000), 1600, 400, 1 << 20);
        let middle = &frames[frames.len() / 2];
        let peak = (0..middle.len()).max_by(|&a, &b| middle[a].total_cmp(&middle[b]));
        assert_eq!(peak, Some(100));
        // Half of full scale, the window's mean of a half, half of it on each side of the spectrum.
        let want = (0.5 * 0.5 * 0.5 * 1600.0f64).powi(2);
        assert!((middle[100] / want - 1.0).abs() < 1e-6, "{} instead of {want}", middle[100]);
    }

    #[test]
    fn the_size_of_the_blocks_does_not_change_the_frames() {
        let samples = tone(440.0, 44_100, 100_000);
        let whole = spectra(&samples, 2048, 512, 100_000);
        assert!(spectra(&samples, 2048, 512, 577) == whole);
    }

    /// The samples of all frames of a track of so many that count from 1.
    fn framed(count: usize, n_fft: usize, hop: usize, framing: Framing, blocks: usize) -> Result<Vec<Vec<f32>>, Fault> {
        let mut frames = Vec::new();
        let mut spectra = Spectra::new(n_fft, hop).framed(framing);
        let mut frame = |heard: Heard<'_>| {
            frames.push(heard.samples.to_vec());
            Ok(())
        };
        let samples: Vec<f32> = (1..=count).map(|sample| sample as f32).collect();
        for block in samples.chunks(blocks) {
            spectra.push_bins(block, &mut frame)?;
        }
        spectra.finish_bins(&mut frame)?;
        Ok(frames)
    }

    #[test]
    fn frames_that_are_not_centred_lie_within_the_track() {
        let framing = Framing { center: false, padding: Padding::Reflect };
        let frames = framed(10, 4, 3, framing, 3).expect("frames");
        assert_eq!(frames, [[1., 2., 3., 4.], [4., 5., 6., 7.], [7., 8., 9., 10.]]);
        let fault = framed(3, 4, 3, framing, 9).expect_err("too short");
        assert!(fault.text.contains("shorter than a frame of 4 samples"), "{fault}");
    }

    #[test]
    fn the_mirror_image_at_both_ends_is_that_of_the_track_however_long_it_is() {
        let framing = Framing { center: true, padding: Padding::Reflect };
        assert_eq!(framed(3, 4, 2, framing, 1).expect("frames"), [[3., 2., 1., 2.], [1., 2., 3., 2.]]);
        for (count, hop) in [(100_000, 7), (40_000, 1000), (5, 3), (200_001, 50_000)] {
            let frames = framed(count, 64, hop, framing, 999).expect("frames");
            assert_eq!(frames.len(), 1 + count / hop);
            let track: Vec<f32> = (1..=count).map(|sample| sample as f32).collect();
            for (number, frame) in frames.iter().enumerate() {
                let at = |offset: usize| (number * hop + offset) as isize - 32;
                let want = (0..64).map(|offset| Padding::Reflect.sample(&track, at(offset)));
                assert!(want.eq(frame.iter().copied()), "{count} {hop}: frame {number}");
            }
        }
    }

    #[test]
    fn a_frame_knows_which_of_its_samples_are_of_the_track() {
        let mut spectra = Spectra::new(64, 16);
        let mut real = Vec::new();
        let mut frame = |heard: Heard<'_>| {
            assert!(heard.samples[heard.real.clone()].iter().all(|sample| *sample == 1.0));
            real.push(heard.real.len());
            Ok(())
        };
        for block in vec![1.0; 80_000].chunks(999) {
            spectra.push_bins(block, &mut frame).expect("taken");
        }
        spectra.finish_bins(&mut frame).expect("taken");
        assert_eq!((real.len(), &real[..3], &real[real.len() - 3..]), (5001, &[32, 48, 64][..], &[64, 48, 32][..]));
        assert!(real[2..real.len() - 2].iter().all(|real| *real == 64));
    }
}
