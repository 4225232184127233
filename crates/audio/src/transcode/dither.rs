//! Dither: noise of a triangular distribution, one step of the integers wide to each side, that keeps the rounding error from
//! following the sound. The same samples always get the same noise.

/// The noise.
pub(super) struct Dither {
    state: u64,
    /// One step of the integers.
    step: f32,
}

impl Dither {
    /// For integers of so many bits.
    pub(super) fn new(bits: u32) -> Self {
        Self { state: 0x9e37_79b9_7f4a_7c15, step: 1.0 / (1u32 << (bits - 1)) as f32 }
    }

    pub(super) fn apply(&mut self, block: &mut [Vec<f32>]) {
        for sample in block.iter_mut().flatten() {
            *sample += (self.uniform() - self.uniform()) * self.step;
        }
    }

    /// From 0 to 1, by xorshift64* (Vigna 2016).
    fn uniform(&mut self) -> f32 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let top = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        top as f32 / (1u32 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_is_two_steps_wide_and_has_no_mean() {
        let (mut block, step) = (vec![vec![0.0; 100_000]; 2], 1.0 / 32_768.0);
        Dither::new(16).apply(&mut block);
        let all: Vec<f64> = block.iter().flatten().map(|sample| f64::from(*sample) / step).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let power = all.iter().map(|x| x * x).sum::<f64>() / all.len() as f64;
        // Of a triangle from −1 to 1 the variance is a sixth.
        assert!(mean.abs() < 0.01 && (power - 1.0 / 6.0).abs() < 0.003, "{mean} {power}");
        assert!(all.iter().all(|x| x.abs() <= 1.0) && all.iter().any(|x| x.abs() > 0.95));
        assert_ne!(block[0], block[1]);
    }
}
