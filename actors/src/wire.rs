//! Entity messages as bytes: a versioned envelope around the one encoding; the only file that knows bincode.
//!
//! ```text
//! "EN" | version u8 | codec u8 | length of body u32 LE | xxh3 of body u64 LE | body
//! ```
//!
//! The body is the message; since version 2 the digest of its publisher's setup, u64 LE, stands before it, and since version 3
//! between the two what the run makes anew although it is there.

use bytes::Bytes;
use thiserror::Error;

use crate::message::{EntityMessage, MAX_FRAMES, MAX_HOPS, MAX_MESSAGE_BYTES, SetupDigest};
use crate::refresh::Refresh;

const MAGIC: &[u8; 2] = b"EN";
/// The version that this program writes; it reads all up to it.
pub const VERSION: u8 = 3;
const BINCODE: u8 = 1;
const HEADER: usize = 16;
/// The bytes of the digest of the setup.
const SETUP: usize = 8;

/// Why bytes are not a message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Written by a newer version of the program: another node may read it.
    #[error("a message of version {version}, codec {codec}; this node reads version {VERSION}")]
    Newer {
        /// The version byte.
        version: u8,
        /// The codec byte.
        codec: u8,
    },
    /// Not a message at all.
    #[error("not an entity message: {0}")]
    Malformed(String),
    /// More than [`MAX_MESSAGE_BYTES`] or [`MAX_FRAMES`].
    #[error("a message may have at most {MAX_MESSAGE_BYTES} bytes and {MAX_FRAMES} frames: {0}")]
    TooLarge(String),
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<{ 4 * MAX_MESSAGE_BYTES }>()
}

/// The bytes of a message.
///
/// # Errors
/// [`WireError::TooLarge`], so that an honest message is never refused by its receiver.
pub fn encode(message: &EntityMessage) -> Result<Bytes, WireError> {
    if message.frames.len() > MAX_FRAMES {
        return Err(WireError::TooLarge(format!("it has {} frames", message.frames.len())));
    }
    let mut buffer = vec![0; HEADER];
    buffer.extend_from_slice(&message.setup.0.to_le_bytes());
    bincode::serde::encode_into_std_write(&message.refresh, &mut buffer, config())
        .map_err(|error| WireError::Malformed(error.to_string()))?;
    bincode::serde::encode_into_std_write(message, &mut buffer, config())
        .map_err(|error| WireError::Malformed(error.to_string()))?;
    let (header, body) = buffer.split_at_mut(HEADER);
    if HEADER + body.len() > MAX_MESSAGE_BYTES {
        return Err(WireError::TooLarge(format!("it has {} bytes", HEADER + body.len())));
    }
    header[..2].copy_from_slice(MAGIC);
    header[2] = VERSION;
    header[3] = BINCODE;
    header[4..8].copy_from_slice(&(body.len() as u32).to_le_bytes());
    header[8..].copy_from_slice(&xxhash_rust::xxh3::xxh3_64(body).to_le_bytes());
    Ok(Bytes::from(buffer))
}

/// The message in `bytes`. Never panics and never allocates more than a message may have.
///
/// # Errors
/// [`WireError`] saying what is wrong with them.
pub fn decode(bytes: &[u8]) -> Result<EntityMessage, WireError> {
    let malformed = |text: &str| WireError::Malformed(text.to_owned());
    if bytes.len() > MAX_MESSAGE_BYTES {
        return Err(WireError::TooLarge(format!("it has {} bytes", bytes.len())));
    }
    let Some((header, body)) = bytes.split_at_checked(HEADER) else {
        return Err(malformed("shorter than its header"));
    };
    if &header[..2] != MAGIC {
        return Err(malformed("it does not start with `EN`"));
    }
    let (version, codec) = (header[2], header[3]);
    if version == 0 || codec == 0 {
        return Err(malformed("version 0"));
    }
    if version > VERSION || codec != BINCODE {
        return Err(WireError::Newer { version, codec });
    }
    let length = u32::from_le_bytes(header[4..8].try_into().map_err(|_| malformed("no length"))?);
    let sum = u64::from_le_bytes(header[8..].try_into().map_err(|_| malformed("no checksum"))?);
    if length as usize != body.len() {
        return Err(malformed("its length is not what its header says"));
    }
    if xxhash_rust::xxh3::xxh3_64(body) != sum {
        return Err(malformed("its checksum does not fit"));
    }
    let (setup, body) = match version {
        1 => (SetupDigest::NONE, body),
        _ => {
            let (setup, body) = body.split_first_chunk::<SETUP>().ok_or_else(|| malformed("it has no setup"))?;
            (SetupDigest(u64::from_le_bytes(*setup)), body)
        }
    };
    let rubbish = |error: bincode::error::DecodeError| WireError::Malformed(error.to_string());
    let (refresh, body) = match version {
        1 | 2 => (None, body),
        _ => {
            let (refresh, used) =
                bincode::serde::decode_from_slice::<Option<Refresh>, _>(body, config()).map_err(rubbish)?;
            (refresh, &body[used..])
        }
    };
    let (mut message, used) = bincode::serde::decode_from_slice::<EntityMessage, _>(body, config()).map_err(rubbish)?;
    (message.setup, message.refresh) = (setup, refresh);
    if used != body.len() {
        return Err(malformed("bytes are left after its end"));
    }
    if message.frames.len() > MAX_FRAMES || message.audit.len() > MAX_HOPS {
        return Err(WireError::TooLarge(format!("it has {} frames", message.frames.len())));
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{EntityId, JobName, RunId};
    use crate::message::{Base, Force, Frame, GraphDigest, Target, Wave};

    fn target(job: &str, entity: &str) -> Target {
        Target { job: JobName::new(job).expect("a name"), entity: EntityId::new(entity).expect("an id") }
    }

    fn example() -> EntityMessage {
        let wave = Wave { id: 7, origins: vec![JobName::new("pcm").expect("a name")], only: None };
        let mut message = EntityMessage::new(
            42,
            RunId::new(1_795_415_412_345, 9),
            target("mel", "artist/t-1"),
            GraphDigest(0xfeed),
            Base::Down(wave.into()),
        );
        message.setup = SetupDigest(0xabcd);
        message.from = Some(target("pcm", "artist/t-1"));
        message.force = Force::Jobs(vec![JobName::new("mel").expect("a name")]);
        let recipes = Force::Jobs(vec![JobName::new("pcm").expect("a name")]);
        message.refresh = Some(Refresh { inputs: true, recipes, exact: false });
        message.frames = vec![Frame {
            to: target("card", "artist/t-1"),
            waiting: vec!["mel".parse().expect("a name"), "loudness".parse().expect("a name")],
            absent: 1,
            force: Force::All,
        }];
        message
    }

    fn bytes_of(hex: &str) -> Vec<u8> {
        let hex = hex.trim();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn a_message_reads_back_from_its_bytes() {
        let message = example();
        let bytes = encode(&message).expect("it fits");
        assert_eq!(decode(&bytes), Ok(message));
    }

    /// The bytes of a message of version 1: a change here is a new version, and the old one must still be read.
    #[test]
    fn version_1_is_read_for_ever() {
        let bytes = bytes_of(include_str!("wire/version-1.hex"));
        let written_by_version_1 = EntityMessage { setup: SetupDigest::NONE, refresh: None, ..example() };
        assert_eq!(decode(&bytes), Ok(written_by_version_1));
    }

    /// Likewise of version 2.
    #[test]
    fn version_2_is_read_for_ever() {
        let golden = bytes_of(include_str!("wire/version-2.hex"));
        assert_eq!(decode(&golden), Ok(EntityMessage { refresh: None, ..example() }));
    }

    /// Likewise of version 3.
    #[test]
    fn version_3_is_read_for_ever() {
        let golden = bytes_of(include_str!("wire/version-3.hex"));
        assert_eq!(decode(&golden), Ok(example()));
        assert_eq!(encode(&example()).expect("it fits"), golden);
    }

    #[test]
    fn a_newer_version_is_told_from_rubbish() {
        let mut bytes = encode(&example()).expect("it fits").to_vec();
        bytes[2] = VERSION + 1;
        assert_eq!(decode(&bytes), Err(WireError::Newer { version: VERSION + 1, codec: 1 }));
        assert!(matches!(decode(b"hello"), Err(WireError::Malformed(_))));
        assert!(matches!(decode(&vec![0; MAX_MESSAGE_BYTES + 1]), Err(WireError::TooLarge(_))));
    }

    #[test]
    fn a_stack_that_is_too_deep_is_refused_by_its_sender() {
        let mut message = example();
        message.frames = vec![message.frames[0].clone(); MAX_FRAMES + 1];
        assert!(matches!(encode(&message), Err(WireError::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic_and_never_pass_for_a_message(at in 0usize..200, flip in 1u8..=255) {
            let mut bytes = encode(&example()).expect("it fits").to_vec();
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn a_body_that_carries_a_right_checksum_may_still_be_anything(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut bytes = vec![b'E', b'N', VERSION, BINCODE];
            bytes.extend((body.len() as u32).to_le_bytes());
            bytes.extend(xxhash_rust::xxh3::xxh3_64(&body).to_le_bytes());
            bytes.extend(&body);
            if let Ok(message) = decode(&bytes) {
                prop_assert!(encode(&message).is_ok());
            }
        }
    }
}
