//! The continuation of a message: pushing and popping the frames of the targets that wait for it.

use std::sync::Arc;

use crate::ids::InputName;
use crate::message::{Base, EntityMessage, Failure, Frame, Kind, Target};
use crate::mutants::{Mutant, active};

/// The request to a parent. Its frames are those of the asking message and one more, for the asking target.
pub fn request(asker: &EntityMessage, id: u64, parent: Target, missing: &[InputName], absent: u8) -> EntityMessage {
    let mut request = asker.follow_up(id, parent);
    if active(Mutant::OneContinuation) {
        request.frames.clear();
    }
    request.frames.push(Frame {
        to: asker.target.clone(),
        waiting: missing.to_vec(),
        absent,
        force: asker.force.clone(),
    });
    request
}

/// The wake-up of the target that waits for this message's target, if one does.
pub fn wake_up(done: &EntityMessage, id: u64) -> Option<EntityMessage> {
    let frame = done.frames.last()?;
    let mut wake_up = done.follow_up(id, frame.to.clone());
    wake_up.frames.pop();
    wake_up.from = Some(done.target.clone());
    wake_up.waiting = Some(frame.waiting.clone());
    wake_up.absent = frame.absent;
    wake_up.force = frame.force.clone();
    Some(wake_up)
}

/// The news of a failure for the target that waits for this message's target, if one does.
pub fn bad_news(failed: &EntityMessage, id: u64, failure: Arc<Failure>) -> Option<EntityMessage> {
    let frame = failed.frames.last()?;
    let mut news = failed.follow_up(id, frame.to.clone());
    news.frames.pop();
    news.kind = Kind::Failed(failure);
    Some(news)
}

/// A fingerprint of run, base and frames, to tell continuations apart.
pub fn fingerprint(message: &EntityMessage) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hash = std::collections::hash_map::DefaultHasher::new();
    message.run.hash(&mut hash);
    match &message.base {
        Base::Stop => 0u64.hash(&mut hash),
        Base::Down(wave) => wave.hash(&mut hash),
    }
    for frame in &message.frames {
        frame.to.hash(&mut hash);
    }
    hash.finish()
}
