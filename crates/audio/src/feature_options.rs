//! The options that every feature of one channel has, declared once.

/// Declares the options of a feature: its own, and then those that say what it hears.
macro_rules! feature_options {
    ($(#[$about:meta])* $name:ident {
        $($(#[$field_about:meta])* $field:ident: $kind:ty = $default:expr,)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_about])* pub $field: $kind,)*
            /// The sample rate in Hz at which the track is heard, 1 to 768000 (default: its own).
            pub rate: Option<u32>,
            /// What one channel is made of: `mean` (the default) of all channels, or of stereo `left`, `right`, or `side`: half of left minus right.
            pub channels: $crate::sound::OneChannel,
            /// Where the part begins that is heard, in seconds (default: 0).
            pub start: f64,
            /// How long that part is, in seconds (default: to the end). What lies behind it is not read.
            pub duration: Option<f64>,
            /// The longest track that is read, in minutes (default: 1440, a day).
            pub max_minutes: u32,
            /// Sound beyond the length that a file declares: `as-found` (the default) reads it, `strict` refuses the file.
            pub lengths: $crate::decode::Lengths,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    rate: None,
                    channels: $crate::sound::OneChannel::Mean,
                    start: 0.0,
                    duration: None,
                    max_minutes: $crate::MAX_MINUTES,
                    lengths: $crate::decode::Lengths::AsFound,
                }
            }
        }

        impl $name {
            /// What it hears of a track.
            fn sound(&self) -> $crate::sound::Sound {
                $crate::sound::Sound {
                    rate: self.rate,
                    channels: self.channels,
                    part: $crate::sound::Part { start: self.start, duration: self.duration },
                    max_minutes: self.max_minutes,
                    lengths: self.lengths,
                }
            }
        }
    };
}
pub(crate) use feature_options;
