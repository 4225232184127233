//! The log as lines of JSON: one flat object for each event, with what is known of the work that it is about.

use std::io::Write;

use serde_json::{Map, Value};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::works::said;

/// The fields of a line that has no others of these names.
const TIMESTAMP: &str = "timestamp";
const LEVEL: &str = "level";
const TARGET: &str = "target";
const MESSAGE: &str = "message";

/// Writes each event as a line.
pub(super) struct JsonLines<W>(pub W);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: Write + Copy + 'static,
{
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let (target, said) = said(event, &context);
        let mut writer = self.0;
        // Where nobody reads any more there is nobody to tell so.
        writer.write_all(line(*event.metadata().level(), target, said).as_bytes()).ok();
    }
}

/// A line of this level, with its end.
pub(super) fn line(level: Level, target: impl Into<String>, mut said: Map<String, Value>) -> String {
    said.insert(TIMESTAMP.into(), jiff::Timestamp::now().to_string().into());
    said.insert(LEVEL.into(), level.as_str().into());
    said.insert(TARGET.into(), target.into().into());
    said.entry(MESSAGE).or_insert_with(|| "".into());
    format!("{}\n", Value::Object(said))
}

/// A line that is only a sentence.
pub(super) fn sentence(level: Level, text: &str) -> String {
    line(level, "euterpe", Map::from_iter([(MESSAGE.to_owned(), text.into())]))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use euterpe_actors::ids::{EntityId, JobName, RunId};
    use euterpe_actors::work_span::work_span;
    use tracing_subscriber::prelude::*;

    use super::super::works::Works;
    use super::*;

    static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

    #[derive(Clone, Copy)]
    struct Kept;

    impl Write for Kept {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            WRITTEN.lock().expect("whole").write(line)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_of_a_work_has_its_fields_beside_its_own_and_an_empty_one_hides_none() {
        let (job, entity) = (JobName::new("mel").expect("a name"), EntityId::new("t-1").expect("an id"));
        let run = RunId::new(7, 7);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Works).with(JsonLines(Kept)), || {
            work_span(&job, &entity, run, 2).in_scope(|| {
                let _inner = tracing::info_span!("inner", secret = 1).entered();
                tracing::info!(entity = %"", value = 0.5, "a \"line\"\nof two");
                tracing::warn!(job = %"other", "of another job");
            });
            tracing::warn!(left = 3_u64, "of no work");
        });
        let text = String::from_utf8(WRITTEN.lock().expect("whole").clone()).expect("text");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let [first, second, third] = &lines[..] else { panic!("{text}") };
        assert_eq!(first["message"], "a \"line\"\nof two");
        assert_eq!((&first["job"], &first["entity"], &first["attempt"]), (&"mel".into(), &"t-1".into(), &2.into()));
        assert_eq!((&first["run"], &first["value"]), (&run.to_string().into(), &0.5.into()));
        assert_eq!((&first["level"], first.get("secret")), (&"INFO".into(), None));
        assert_eq!((&second["job"], &second["entity"]), (&"other".into(), &"t-1".into()));
        assert_eq!((&third["left"], third.get("job")), (&3.into(), None));
        assert!(first["timestamp"].as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok()), "{first}");
    }
}
