//! A picture of palette indices that text and lines can be put on, and that becomes a PNG.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use euterpe_actors::{outcome::Fault, transform::Product};

use super::colour::{self, INK, INK_STEPS};

/// The fonts in the order in which they are asked for a character: Ubuntu Light (Ubuntu font licence), Hack (MIT and
/// Bitstream Vera) for what it lacks, Noto Emoji (OFL).
static FONTS: LazyLock<Vec<FontRef<'static>>> = LazyLock::new(|| {
    use epaint_default_fonts::{HACK_REGULAR, NOTO_EMOJI_REGULAR, UBUNTU_LIGHT};
    [UBUNTU_LIGHT, HACK_REGULAR, NOTO_EMOJI_REGULAR]
        .into_iter()
        .map(|bytes| FontRef::try_from_slice(bytes).expect("a font that is part of the program"))
        .collect()
});

/// Where a text's given point lies in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Centre,
    Right,
}

/// The picture.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    /// An empty picture in the background's colour.
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![INK; width * height] }
    }

    /// Sets a pixel; one outside is left alone.
    pub(crate) fn set(&mut self, x: usize, y: usize, index: u8) {
        if x < self.width && y < self.height {
            self.pixels[y * self.width + x] = index;
        }
    }

    /// Fills a rectangle with ink of a strength from 0 to 1.
    pub(crate) fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, strength: f32) {
        for row in y..y + height {
            for column in x..x + width {
                self.set(column, row, ink(strength));
            }
        }
    }

    /// Writes a line of text; `y` is the middle of its small letters' height, `size` its height in pixels.
    pub(crate) fn text(&mut self, text: &str, x: f32, y: f32, size: f32, align: Align, strength: f32) {
        let width = width_of(text, size);
        let mut caret = match align {
            Align::Left => x,
            Align::Centre => x - width / 2.0,
            Align::Right => x - width,
        }
        .round();
        let baseline = (y + size * 0.3).round();
        for character in text.chars() {
            let (font, id) = glyph_of(character);
            let glyph = id.with_scale_and_position(PxScale::from(size), point(caret, baseline));
            caret += font.as_scaled(size).h_advance(id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let bounds = outline.px_bounds();
            outline.draw(|dx, dy, coverage| {
                let (x, y) = (bounds.min.x as i64 + i64::from(dx), bounds.min.y as i64 + i64::from(dy));
                if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y))
                    && x < self.width
                    && y < self.height
                {
                    let pixel = &mut self.pixels[y * self.width + x];
                    *pixel = (*pixel).max(ink(coverage.min(1.0) * strength));
                }
            });
        }
    }

    /// The picture as a PNG of palette colours.
    pub(crate) fn into_png(self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(colour::palette());
        encoder.set_compression(png::Compression::Balanced);
        encoder.set_filter(png::Filter::NoFilter);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}

/// A picture as an output.
///
/// # Errors
/// The encoder's own, as a fault.
pub(crate) fn as_output(canvas: Canvas) -> Result<Product, Fault> {
    let png = canvas.into_png().map_err(|error| Fault::failed(format!("could not write the picture: {error}")))?;
    Ok(Product::bytes(png))
}

/// The width of a line of text in pixels.
pub(crate) fn width_of(text: &str, size: f32) -> f32 {
    text.chars().map(|character| advance_of(character, size)).sum()
}

/// As much of a text as fits into a width, with `…` for what was taken from its middle.
pub(crate) fn fitted(text: &str, size: f32, width: f32) -> String {
    if width_of(text, size) <= width {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let mut left = width - advance_of('…', size);
    let (mut head, mut tail) = (0, 0);
    while head + tail < characters.len() {
        // Two from the start for each one from the end: an id says most at its start, and its number at its end.
        let from_head = head <= 2 * tail;
        let next = if from_head { characters[head] } else { characters[characters.len() - 1 - tail] };
        left -= advance_of(next, size);
        if left < 0.0 {
            break;
        }
        if from_head { head += 1 } else { tail += 1 }
    }
    let (start, end) = (&characters[..head], &characters[characters.len() - tail..]);
    start.iter().chain(&['…']).chain(end).collect()
}

fn advance_of(character: char, size: f32) -> f32 {
    let (font, id) = glyph_of(character);
    font.as_scaled(size).h_advance(id)
}

/// The first font that has a character; a white square where none has.
fn glyph_of(character: char) -> (&'static FontRef<'static>, ab_glyph::GlyphId) {
    let find = |character| FONTS.iter().map(|font| (font, font.glyph_id(character))).find(|(_, id)| id.0 != 0);
    find(character).or_else(|| find('□')).unwrap_or_else(|| (&FONTS[0], ab_glyph::GlyphId(0)))
}

fn ink(strength: f32) -> u8 {
    INK + (strength * f32::from(INK_STEPS - 1)).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_loses_its_middle() {
        assert_eq!(fitted("t-0042", 20.0, 500.0), "t-0042");
        let long = format!("collection/{}/track 17", "x".repeat(300));
        let short = fitted(&long, 20.0, 400.0);
        assert!(short.starts_with("collection/") && short.ends_with("track 17") && short.contains('…'), "{short}");
        assert!(width_of(&short, 20.0) <= 400.0);
    }

    #[test]
    fn every_character_has_some_glyph() {
        for character in ['a', 'é', 'Ж', '名', '🎵', '\u{1F9FF}'] {
            assert!(advance_of(character, 20.0) > 0.0, "{character} has no width");
        }
    }
}
