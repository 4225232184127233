//! Leaves out what an encoder put in front of the sound.

/// How much is left out at the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trim {
    all: u64,
    left: u64,
}

impl Trim {
    /// Leaves out so many frames.
    pub(crate) fn new(frames: u64) -> Self {
        Self { all: frames, left: frames }
    }

    /// How many of the next `frames` are left out.
    pub(crate) fn skip(&mut self, frames: usize) -> usize {
        let skipped = self.left.min(frames as u64);
        self.left -= skipped;
        skipped as usize
    }

    /// How many are left out in all.
    pub(crate) fn skipped(self) -> u64 {
        self.all
    }
}

/// Takes frames away at the start of a block.
pub(crate) fn cut_frames(block: &mut [Vec<f32>], frames: usize) {
    if frames > 0 {
        block.iter_mut().for_each(|channel| drop(channel.drain(..frames)));
    }
}

/// Keeps frames back that turn out to be the last ones, and are left out.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    frames: usize,
    held: Vec<Vec<f32>>,
}

impl Tail {
    /// Leaves out the last so many frames.
    pub(crate) fn new(frames: u64) -> Self {
        // More is no padding, and would have to be kept in memory.
        Self { frames: frames.min(1 << 18) as usize, held: Vec::new() }
    }

    /// Takes the end of what was held and of `block`, and leaves what is before in `block`.
    pub(crate) fn hold(&mut self, block: &mut [Vec<f32>]) {
        if self.frames == 0 {
            return;
        }
        self.held.resize(block.len(), Vec::new());
        for (held, channel) in self.held.iter_mut().zip(block) {
            held.append(channel);
            channel.extend(held.drain(..held.len().saturating_sub(self.frames)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_left_out_at_both_ends_whatever_the_blocks() {
        for size in 1..30 {
            let (mut trim, mut tail, mut left) = (Trim::new(5), Tail::new(7), Vec::new());
            for block in (0..40).collect::<Vec<i32>>().chunks(size) {
                let mut block = vec![block.iter().map(|&n| n as f32).collect::<Vec<f32>>()];
                let skipped = trim.skip(block[0].len());
                cut_frames(&mut block, skipped);
                tail.hold(&mut block);
                left.extend_from_slice(&block[0]);
            }
            assert_eq!(left, (5..33).map(|n| n as f32).collect::<Vec<f32>>(), "{size}");
        }
    }
}
