//! Pictures of features: `audio.mel_plot`, `audio.mfcc_plot`, `audio.chroma_plot`, `audio.waveform_plot`.
//!
//! PNGs with the axes, colours and captions of `audio.spectrogram`: time to the right, the entity's id above. A picture narrower than
//! 480 or lower than 240 pixels is the plot alone. What is silent says so.

mod chroma;
mod mel;
mod mfcc;
mod waveform;

pub(crate) use chroma::entry as chroma;
pub(crate) use mel::entry as mel;
pub(crate) use mfcc::entry as mfcc;
pub(crate) use waveform::entry as waveform;

#[cfg(test)]
mod tests {
    use super::super::{
        spectrogram::picture::Layout,
        testing::{pixels, run, tone, wav, work},
    };
    use euterpe_actors::transform::{Entry, OpenContext};
    use serde_json::{Value, json};

    const PLOTS: [fn() -> Entry; 4] = [super::mel, super::mfcc, super::chroma, super::waveform];

    fn drawn(entry: &Entry, with: Value, rate: u32, samples: Vec<f32>) -> Vec<u8> {
        let factory = entry.open(&with, &OpenContext::default()).expect("good options");
        run(&factory, work("t-1", &[("audio", "t.wav", &wav(rate, &[samples]))], "png")).expect("drawn").to_vec()
    }

    /// The palette index in the middle of the plot, by the row from its top as a share of its height.
    fn middle(png: Vec<u8>) -> impl Fn(f64) -> u8 {
        let (width, height, pixels) = pixels(&png);
        let layout = Layout::of(width, height);
        move |share| {
            let row = layout.top + (share * layout.plot_height() as f64) as usize;
            pixels[row * width + layout.left + layout.plot_width() / 2]
        }
    }

    #[test]
    fn every_plot_has_its_size_down_to_a_thumbnail_whatever_the_sound() {
        for plot in PLOTS.map(|plot| plot()) {
            for (width, height) in [(64, 64), (1280, 480), (480, 100)] {
                for samples in [vec![0.5], vec![0.0; 5000], tone(440.0, 8000, 9000)] {
                    let png = drawn(&plot, json!({"width": width, "height": height}), 8000, samples);
                    let (wide, high, _) = pixels(&png);
                    assert_eq!((wide, high), (width, height), "{}", plot.name());
                }
            }
            let small = json!({"width": 63, "height": 5000, "rate": 0});
            assert_eq!(plot.open(&small, &OpenContext::default()).err().expect("refused").len(), 3, "{}", plot.name());
        }
    }

    #[test]
    fn a_tone_is_bright_where_it_is() {
        let sound = tone(440.0, 22_050, 66_150);
        let class = middle(drawn(&super::chroma(), json!({}), 22_050, sound.clone()));
        // A is the tenth of twelve classes from below.
        assert!(class(2.5 / 12.0) > 210 && class(8.5 / 12.0) < 20, "{} {}", class(2.5 / 12.0), class(8.5 / 12.0));
        let mel = middle(drawn(&super::mel(), json!({"fmin": 200, "fmax": 800}), 22_050, sound.clone()));
        // Below 1 kHz mels are even in Hz.
        assert!(mel(0.6) > 180 && mel(0.1) < 120, "{} {}", mel(0.6), mel(0.1));
        let outline = middle(drawn(&super::waveform(), json!({}), 22_050, sound));
        assert!(outline(0.4) == outline(0.6) && outline(0.4) > outline(0.1) && outline(0.4) > outline(0.9));
    }

    #[test]
    fn silence_says_so_and_the_same_sound_gives_the_same_bytes() {
        for plot in PLOTS.map(|plot| plot()) {
            let ink = |samples| {
                pixels(&drawn(&plot, json!({}), 8000, samples)).2.iter().filter(|index| **index == 255).count()
            };
            let (silent, quiet) = (ink(vec![0.0; 16_000]), ink((0..16_000).map(|at| (at % 2) as f32 * 1e-4).collect()));
            assert!(silent > quiet + 100, "{}: {silent} and {quiet} bright pixels of text", plot.name());
            let sound = tone(440.0, 8000, 9000);
            assert!(drawn(&plot, json!({}), 8000, sound.clone()) == drawn(&plot, json!({}), 8000, sound));
        }
    }
}
