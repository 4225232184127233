//! The most channels and the highest sample rate that are read, whatever a file claims.

use euterpe_actors::outcome::Fault;

/// The most channels that are read.
pub const MAX_CHANNELS: usize = 64;
/// The highest sample rate that is read, in Hz.
pub const MAX_RATE: u32 = 768_000;

/// Refuses a rate or a number of channels that nobody has.
///
/// # Errors
/// Where one of them is beyond the bounds.
pub(crate) fn check_shape(rate: u32, channels: usize) -> Result<(), Fault> {
    if rate == 0 || rate > MAX_RATE {
        return Err(Fault::bad_input(format!("the file claims a sample rate of {rate} Hz; 1 to {MAX_RATE} are read")));
    }
    if channels == 0 || channels > MAX_CHANNELS {
        return Err(Fault::bad_input(format!("the file claims {channels} channels; 1 to {MAX_CHANNELS} are read")));
    }
    Ok(())
}
