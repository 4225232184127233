//! The argument of verbs that begin or do work: where the traces of it are sent.

use euterpe_actors::trace::Sampling;
use euterpe_engine::Session;

#[cfg(feature = "otlp")]
use crate::telemetry::{Exporter, TraceSettings};

/// Where traces are sent.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TracesArgs {
    /// Send a trace of each entity to this collector, by OTLP over HTTP: http://127.0.0.1:4318, or as the variable
    /// OTEL_EXPORTER_OTLP_ENDPOINT says.
    #[arg(long = "otlp", value_name = "URL")]
    pub otlp: Option<String>,
}

/// The traces that were asked for, before anything is opened.
#[derive(Clone, Debug)]
pub struct Asked {
    #[cfg(feature = "otlp")]
    settings: Option<TraceSettings>,
}

/// What sends traces until the end of the work, where any were asked for.
#[must_use = "the last spans are sent by `finish`"]
pub struct Export {
    #[cfg(feature = "otlp")]
    exporter: Option<Exporter>,
}

#[cfg(feature = "otlp")]
impl TracesArgs {
    /// What is asked for, by the flag and the variables.
    ///
    /// # Errors
    /// What of it cannot be read.
    pub fn asked(&self) -> anyhow::Result<Asked> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let settings = TraceSettings::read(self.otlp.as_deref(), &variable)?;
        Ok(Asked { settings })
    }
}

#[cfg(feature = "otlp")]
impl Asked {
    /// Which traces are recorded, where any are.
    pub fn sampling(&self) -> Option<Sampling> {
        self.settings.as_ref().map(|settings| settings.sampling)
    }

    /// Begins to send the traces of `session`, on a node of this name where it is one.
    ///
    /// # Errors
    /// A thread that cannot be started; https without certificates.
    pub fn send(self, session: &Session, node: Option<&str>) -> anyhow::Result<Export> {
        let (Some(mut settings), Some(traces)) = (self.settings, &session.workspace().traces) else {
            return Ok(Export { exporter: None });
        };
        settings.resource.extend(node.map(|node| ("service.instance.id".to_owned(), node.to_owned())));
        Ok(Export { exporter: Some(Exporter::start(settings, traces.buffer().clone())?) })
    }
}

#[cfg(feature = "otlp")]
impl Export {
    /// Sends what is left, but not for long.
    pub async fn finish(self) {
        if let Some(exporter) = self.exporter {
            exporter.finish().await;
        }
    }
}

#[cfg(not(feature = "otlp"))]
impl TracesArgs {
    /// No traces, for this program was built without.
    ///
    /// # Errors
    /// Where they are asked for by the flag. The variables may be meant for other programs.
    pub fn asked(&self) -> anyhow::Result<Asked> {
        match self.otlp {
            None => {
                if std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_some() {
                    tracing::info!("no traces: this program was built without the feature `otlp`");
                }
                Ok(Asked {})
            }
            Some(_) => Err(euterpe_engine::Mistake(
                "this program was built without the feature `otlp`, so it cannot send traces; take away --otlp, or build it \
                 with `cargo install --features otlp`"
                    .into(),
            )
            .into()),
        }
    }
}

#[cfg(not(feature = "otlp"))]
impl Asked {
    /// None.
    pub fn sampling(&self) -> Option<Sampling> {
        None
    }

    /// Sends nothing.
    ///
    /// # Errors
    /// None.
    pub fn send(self, _: &Session, _: Option<&str>) -> anyhow::Result<Export> {
        Ok(Export {})
    }
}

#[cfg(not(feature = "otlp"))]
impl Export {
    /// Nothing is left.
    pub async fn finish(self) {}
}
