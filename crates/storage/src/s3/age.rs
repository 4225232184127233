//! The age of an object by the clock of its server alone: the `Date` of an answer minus the object's `Last-Modified`.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

/// The error of the difference: both times are cut to whole seconds.
const CUT_OFF: Duration = Duration::from_secs(1);

/// How much longer than its ttl it may take until an object is known to be old.
pub(super) const LAG: Duration = Duration::from_secs(2);

/// Whether an object is older than `ttl`. In doubt it is not: the true difference of the two times may be almost a second
/// less than that of the cut ones. Where the server does not state one of them, nothing is old.
pub(super) fn is_older(date: Option<DateTime>, modified: Option<DateTime>, ttl: Duration) -> bool {
    let (Some(date), Some(modified)) = (date, modified) else { return false };
    let between = u64::try_from(date.secs().saturating_sub(modified.secs())).unwrap_or(0);
    Duration::from_secs(between) >= ttl + CUT_OFF
}

/// Whether an object is of the future: the clock of the server was ahead when it was written, or is behind.
pub(super) fn is_of_the_future(date: Option<DateTime>, modified: Option<DateTime>) -> bool {
    let (Some(date), Some(modified)) = (date, modified) else { return false };
    modified.secs().saturating_sub(date.secs()) > LAG.as_secs().cast_signed()
}

/// Takes note of the `Date` of an answer, which the SDK does not pass on.
#[derive(Clone, Debug, Default)]
pub(super) struct AnswerDate(Arc<OnceLock<DateTime>>);

impl AnswerDate {
    /// The time of the answer, if the server stated it.
    pub fn date(&self) -> Option<DateTime> {
        self.0.get().copied()
    }
}

impl Intercept for AnswerDate {
    fn name(&self) -> &'static str {
        "answer date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        // Of several tries the first answer counts. That makes an object seem younger, which does no harm.
        date.map(|date| self.0.get_or_init(|| date));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_old_when_its_ttl_has_passed_for_sure_and_not_before() {
        let (ttl, at) = (Duration::from_secs(15), |millis: i64| DateTime::from_millis(millis));
        // Every moment of a write and of a look, in tenths of a second, as a server tells them.
        for written in (0..1000).step_by(100) {
            for looked in (0..20_000).step_by(100) {
                let told = |millis: i64| Some(at(millis / 1000 * 1000));
                let old = is_older(told(looked), told(written), ttl);
                let age = looked - written;
                assert!(!old || age > 15_000, "written at {written}, taken for old at {looked}");
                assert!(old || age < 15_000 + LAG.as_millis() as i64, "written at {written}, not old at {looked}");
            }
        }
    }

    #[test]
    fn what_a_server_does_not_tell_makes_nothing_old() {
        let (early, late) = (Some(DateTime::from_secs(0)), Some(DateTime::from_secs(100)));
        let ttl = Duration::from_secs(15);
        assert!(is_older(late, early, ttl));
        assert!(!is_older(early, late, ttl), "written later than now");
        assert!(!is_older(None, early, ttl) && !is_older(late, None, ttl));
        assert!(is_of_the_future(early, late) && !is_of_the_future(late, early) && !is_of_the_future(late, late));
        assert!(!is_of_the_future(None, late) && !is_of_the_future(early, None));
    }
}
