//! What of a catalogue is listed.

use super::item::ItemState;

/// What of a catalogue is listed.
#[derive(Clone, Debug, Default)]
pub struct InventoryRequest {
    /// What these jobs make; of all jobs where none is named.
    pub jobs: Vec<String>,
    /// Of the entities whose ids begin so.
    pub prefix: String,
    /// In one of these states; in any where none is named.
    pub states: Vec<ItemState>,
    /// Whether outputs that are there are looked at, for their sizes and times.
    pub looks: bool,
    /// Whether dead letters are read, for what they say.
    pub texts: bool,
}
