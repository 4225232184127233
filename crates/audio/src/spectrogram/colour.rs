//! The palette: the magma colours for levels, then shades of ink on the background for text and lines.

/// The first index of the ink; it is the background itself.
pub(super) const INK: u8 = 224;
/// Shades of ink, from the background to the full strength of text.
pub(super) const INK_STEPS: u8 = 32;

const BACKGROUND: [u8; 3] = [16, 15, 21];
const TEXT: [u8; 3] = [236, 232, 238];

/// The magma colour map (Smith and van der Walt, CC0) at every sixteenth of its length.
const MAGMA: [[u8; 3]; 17] = [
    [0, 0, 4],
    [10, 8, 34],
    [29, 17, 71],
    [54, 16, 107],
    [81, 18, 124],
    [106, 28, 129],
    [131, 38, 129],
    [156, 46, 127],
    [183, 55, 121],
    [208, 65, 111],
    [231, 82, 99],
    [245, 107, 92],
    [252, 137, 97],
    [254, 167, 114],
    [254, 196, 136],
    [253, 226, 163],
    [252, 253, 191],
];

/// The palette index of a level from 0 to 1.
pub(crate) fn index_of(level: f32) -> u8 {
    (level * f32::from(INK - 1)).round() as u8
}

/// All 256 colours, red, green and blue.
pub(super) fn palette() -> Vec<u8> {
    let levels = (0..INK).map(|index| {
        let place = f32::from(index) / f32::from(INK - 1) * (MAGMA.len() - 1) as f32;
        let below = (place as usize).min(MAGMA.len() - 2);
        between(MAGMA[below], MAGMA[below + 1], place - below as f32)
    });
    let inks = (0..INK_STEPS).map(|step| between(BACKGROUND, TEXT, f32::from(step) / f32::from(INK_STEPS - 1)));
    levels.chain(inks).flatten().collect()
}

fn between(from: [u8; 3], to: [u8; 3], share: f32) -> [u8; 3] {
    std::array::from_fn(|index| {
        let (from, to) = (f32::from(from[index]), f32::from(to[index]));
        (from + share * (to - from)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_louder_level_is_never_darker() {
        let palette = palette();
        assert_eq!(palette.len(), 3 * 256);
        let light = |index: usize| {
            let [red, green, blue] = [0, 1, 2].map(|part| f32::from(palette[3 * index + part]));
            0.2126 * red + 0.7152 * green + 0.0722 * blue
        };
        for index in 1..usize::from(INK) {
            assert!(light(index) >= light(index - 1) - 0.8, "level {index} is darker than the one below");
        }
        assert_eq!((index_of(0.0), index_of(1.0)), (0, INK - 1));
    }
}
