//! Reads files for previews, as much of them as is shown.

use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::storage::{Content, Object};

/// The longest array that is looked at, in bytes.
pub(super) const LONGEST_ARRAY: u64 = 64 << 20;

/// The beginning of a text.
pub(super) async fn read(object: &Object, most: usize) -> std::io::Result<String> {
    let content = object.content.clone();
    let bytes = on_blocking_thread(move || match content {
        Content::Bytes(bytes) => Ok(bytes[..bytes.len().min(most)].to_vec()),
        Content::File(path) => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::Read::take(std::fs::File::open(path)?, most as u64), &mut bytes)?;
            std::io::Result::Ok(bytes)
        }
    });
    Ok(String::from_utf8_lossy(&bytes.await??).into_owned())
}

/// All of a file.
pub(super) async fn whole(object: Object) -> std::io::Result<bytes::Bytes> {
    on_blocking_thread(move || object.content.read()).await?
}
