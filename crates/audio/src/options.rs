//! The options that several transforms have, declared once: which part of a track is read, and what a feature hears of it.

/// Declares the options of a transform: its own, and then those that say which part of a track it reads.
macro_rules! part_options {
    ($(#[$about:meta])* $name:ident {
        $($(#[$field_about:meta])* $field:ident: $kind:ty = $default:expr,)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_about])* pub $field: $kind,)*
            /// Where the part begins that is read, in seconds (default: 0).
            pub start: f64,
            /// How long that part is, in seconds (default: to the end). What lies behind it is not read.
            pub duration: Option<f64>,
            /// The longest track that is read, in minutes (default: 1440, a day).
            pub max_minutes: u32,
            /// Sound beyond the length that a file declares: `as-found` (the default) reads it, `strict` refuses the file.
            pub lengths: $crate::decode::Lengths,
            /// Who reads the file: `auto` (the default) this program, and `ffmpeg` what it does not read, where that is installed; `native` this program alone; `ffmpeg` that alone.
            pub decoder: $crate::decode::DecoderChoice,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    start: 0.0,
                    duration: None,
                    max_minutes: $crate::MAX_MINUTES,
                    lengths: $crate::decode::Lengths::AsFound,
                    decoder: $crate::decode::DecoderChoice::Auto,
                }
            }
        }

        impl $name {
            /// Which part of a track it reads.
            fn part(&self) -> $crate::part::Part {
                $crate::part::Part { start: self.start, duration: self.duration }
            }

            /// What it asks of every track.
            fn bounds(&self) -> $crate::decode::Bounds {
                let (minutes, lengths, decoder) = (self.max_minutes, self.lengths, self.decoder);
                $crate::decode::Bounds { minutes, lengths, decoder }
            }
        }
    };
}

/// Declares the options of a feature of one channel: its own, and then those that say what it hears.
macro_rules! feature_options {
    ($(#[$about:meta])* $name:ident {
        $($(#[$field_about:meta])* $field:ident: $kind:ty = $default:expr,)*
    }) => {
        $crate::options::part_options! {
            $(#[$about])* $name {
                $($(#[$field_about])* $field: $kind = $default,)*
                /// The sample rate in Hz at which the track is heard, 1 to 768000 (default: its own).
                rate: Option<u32> = None,
                /// What one channel is made of: `mean` (the default) of all channels, or of stereo `left`, `right`, or `side`: half of left minus right.
                channels: $crate::sound::OneChannel = $crate::sound::OneChannel::Mean,
            }
        }

        impl $name {
            /// What it hears of a track.
            fn sound(&self) -> $crate::sound::Sound {
                let (rate, channels) = (self.rate, self.channels);
                $crate::sound::Sound { rate, channels, part: self.part(), bounds: self.bounds() }
            }
        }
    };
}

pub(crate) use {feature_options, part_options};
