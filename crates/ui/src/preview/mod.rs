//! What a file holds, to be seen and heard on a page.

mod array;
mod drawn;
mod json;
mod reading;

use euterpe_actors::storage::Object;
use euterpe_engine::Session;
use maud::{Markup, html};

use crate::objects::{Kind, Place, kind_of};
use crate::words::{count, size};
use reading::{LONGEST_ARRAY, read, whole};

pub(crate) use drawn::{Drawing, Drawings, drawn};

/// The longest JSON and text that is shown, in bytes.
const LONGEST_TEXT: usize = 256 << 10;

/// What is shown of the file under a path; a failure of it is a sentence on the page. Sound and pictures are fetched by the browser.
pub(crate) async fn preview(session: &Session, place: &Place, path: &str) -> Markup {
    match kind_of(path).0 {
        Kind::Sound => return sound(place, path),
        Kind::Picture => {
            let address = place.address("/object");
            let alt = format!("the picture {path}");
            return html! { a href=(address) { img class="shown" src=(address) alt=(alt) loading="lazy"; } };
        }
        Kind::Other => return html! { p class="quiet" { "There is no preview of this kind of file." } },
        Kind::Json | Kind::Text | Kind::Npy => {}
    }
    match place.open(session).await {
        Ok((_, object)) => read_through(place, path, object).await,
        Err(error) => html! { p class="bad" { "The file cannot be read: " (format!("{error:#}")) } },
    }
}

async fn read_through(place: &Place, path: &str, object: Object) -> Markup {
    let bytes = object.info.size;
    match kind_of(path).0 {
        _ if bytes == 0 => html! { p class="quiet" { "The file is empty." } },
        Kind::Json => match read(&object, LONGEST_TEXT).await {
            Ok(text) => json::folded(&text).unwrap_or_else(|why| html! { p class="bad" { (why) } (plain(&text)) }),
            Err(error) => trouble(&error),
        },
        Kind::Text => match read(&object, LONGEST_TEXT).await {
            Ok(text) => plain(&text),
            Err(error) => trouble(&error),
        },
        Kind::Npy if bytes > LONGEST_ARRAY => {
            html! { p class="quiet" { "An array of " (size(bytes)) ", which is too large to be looked at here." } }
        }
        Kind::Npy => match whole(object).await {
            Ok(bytes) => array::facts(place, &bytes),
            Err(error) => trouble(&error),
        },
        Kind::Sound | Kind::Picture | Kind::Other => html! {},
    }
}

fn sound(place: &Place, name: &str) -> Markup {
    html! {
        audio controls preload="metadata" src=(place.address("/object")) aria-label=(format!("play {name}")) {}
        @if cfg!(feature = "audio") {
            div class="pictures" {
                img class="wave" src=(place.address("/drawn/waveform")) alt="its waveform: level over time" loading="lazy";
                img class="wave" src=(place.address("/drawn/spectrogram")) alt="its spectrogram: level over time and frequency" loading="lazy";
            }
        }
    }
}

fn plain(text: &str) -> Markup {
    const LINES: usize = 400;
    let lines = text.lines().count();
    let shown: Vec<&str> = text.lines().take(LINES).collect();
    html! {
        pre class="text" tabindex="0" { (shown.join("\n")) }
        @if lines > LINES { p class="quiet" { "The first " (LINES) " of " (count(lines as u64, "line", "lines")) "." } }
    }
}

fn trouble(error: &std::io::Error) -> Markup {
    html! { p class="bad" { "The file cannot be read: " (error) } }
}
