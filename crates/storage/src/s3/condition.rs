//! The condition of a conditional write.

/// What must be in place for a write to happen: anything or nothing at all, nothing, or the object with an ETag.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Anything,
    Nothing,
    Etag(String),
}

impl Condition {
    pub fn if_match(&self) -> Option<String> {
        if let Condition::Etag(etag) = self { Some(etag.clone()) } else { None }
    }

    pub fn if_none_match(&self) -> Option<String> {
        matches!(self, Condition::Nothing).then(|| "*".to_owned())
    }
}
