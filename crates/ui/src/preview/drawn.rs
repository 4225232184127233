//! Pictures that are drawn when somebody looks: of sound by the transforms that draw, of arrays. None of them is stored.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use euterpe_actors::ids::{EntityId, InputName};
use euterpe_actors::storage::Object;
use euterpe_actors::transform::{Input, OpenContext, Registry, Scratch, Work};
use euterpe_engine::Mistake;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

#[cfg(feature = "audio")]
use super::reading::{LONGEST_ARRAY, whole};
use crate::objects::{Kind, Place, kind_of};

/// How long drawing may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest sound that is drawn, in minutes.
const MINUTES: u32 = 180;
/// How many pictures are kept in memory, and how many bytes of them.
const KEPT: usize = 64;
const KEPT_BYTES: usize = 16 << 20;

/// What is drawn of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawing {
    /// The level of a sound over time.
    Waveform,
    /// Its level over time and frequency.
    Spectrogram,
    /// An array.
    Heat,
}

impl Drawing {
    /// The one of a name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "waveform" => Some(Self::Waveform),
            "spectrogram" => Some(Self::Spectrogram),
            "heat" => Some(Self::Heat),
            _ => None,
        }
    }

    /// The transform that draws it, with its options.
    fn transform(self) -> Option<(&'static str, Value)> {
        match self {
            Self::Waveform => {
                Some(("audio.waveform_plot", json!({"width": 960, "height": 240, "max_minutes": MINUTES})))
            }
            Self::Spectrogram => {
                Some(("audio.spectrogram", json!({"width": 960, "height": 320, "max_minutes": MINUTES})))
            }
            Self::Heat => None,
        }
    }
}

/// Pictures that were drawn, the newest last; and the right to draw, which one at a time has.
pub(crate) struct Drawings {
    kept: RefCell<VecDeque<(String, Bytes)>>,
    turn: Arc<Semaphore>,
}

impl Default for Drawings {
    fn default() -> Self {
        Self { kept: RefCell::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl Drawings {
    fn find(&self, key: &str) -> Option<Bytes> {
        self.kept.borrow().iter().find(|(other, _)| other == key).map(|(_, png)| png.clone())
    }

    fn keep(&self, key: String, png: Bytes) {
        let mut kept = self.kept.borrow_mut();
        kept.push_back((key, png));
        while kept.len() > KEPT || kept.iter().map(|(_, png)| png.len()).sum::<usize>() > KEPT_BYTES {
            kept.pop_front();
        }
    }
}

/// Draws a file.
///
/// # Errors
/// What is no sound, or no array; what keeps it from being read.
pub(crate) async fn drawn(
    drawing: Drawing,
    place: &Place,
    (name, object): (String, Object),
    (registry, drawings): (&Registry, &Drawings),
) -> anyhow::Result<Bytes> {
    let info = &object.info;
    let key = format!("{drawing:?} {} {} {:?} {:?}", place.address(""), info.size, info.modified, info.etag);
    if let Some(png) = drawings.find(&key) {
        return Ok(png);
    }
    let _turn = drawings.turn.clone().acquire_owned().await?;
    if let Some(png) = drawings.find(&key) {
        return Ok(png);
    }
    let png = match drawing.transform() {
        None => heat(&name, object).await?,
        Some((transform, options)) => {
            by_transform((transform, &options), (&name, object), &place.entity, registry).await?
        }
    };
    drawings.keep(key, png.clone());
    Ok(png)
}

#[cfg(feature = "audio")]
async fn heat(name: &str, object: Object) -> anyhow::Result<Bytes> {
    if kind_of(name).0 != Kind::Npy || object.info.size > LONGEST_ARRAY {
        bail!(Mistake("this is no array that can be drawn".into()));
    }
    let bytes = whole(object).await?;
    let drawn = euterpe_actors::blocking_threads::on_blocking_thread(move || {
        let array = euterpe_tables::read_npy(&bytes).map_err(anyhow::Error::msg)?;
        let (columns, values) = super::array::table_of(&array).context("the array has too few numbers")?;
        let values = super::array::levels(values);
        Ok(Bytes::from(euterpe_engine::HeatMap { columns, values: &values }.png()?))
    });
    drawn.await?
}

#[cfg(not(feature = "audio"))]
async fn heat(_: &str, _: Object) -> anyhow::Result<Bytes> {
    bail!(Mistake("this program draws no pictures: it was built without the feature `audio`".into()))
}

async fn by_transform(
    (transform, options): (&str, &Value),
    (name, object): (&str, Object),
    entity: &str,
    registry: &Registry,
) -> anyhow::Result<Bytes> {
    if kind_of(name).0 != Kind::Sound {
        bail!(Mistake("this is no sound that can be drawn".into()));
    }
    let entry =
        registry.find(transform).context("this program draws no sound: it was built without the feature `audio`")?;
    let factory = entry.open(options, &OpenContext::default()).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let folder = TempDir::with_prefix("euterpe-ui-")?;
    let work = Work {
        entity: EntityId::of_name(entity).map_err(|bad| Mistake(bad.to_string()))?,
        inputs: vec![Input { name: InputName::new("audio").context("a plain name")?, path: name.into(), object }],
        suffixes: vec!["png".to_owned()].into(),
        scratch: Scratch::at(folder.path().join("work")),
        attempt: 0,
        timeout: PATIENCE,
        isolate: false,
    };
    let mut transform = factory().map_err(|fault| anyhow::anyhow!("{}", fault.text))?;
    let product = tokio::time::timeout(PATIENCE, transform.apply(work)).await.context("drawing takes too long")?;
    let product = product.map_err(|fault| Mistake(fault.text))?;
    let content = product.0.into_iter().next().context("nothing was drawn")?;
    Ok(content.read()?)
}
