//! The server: which address leads to which page.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, RANGE};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::Context;
use euterpe_engine::{Mistake, Session};
use maud::Markup;

use crate::commands::Commands;
use crate::events::events;
use crate::guard::{guard, is_same};
use crate::objects::{self, Place};
use crate::pages::{self, browse, compare, entity, letters, nodes, overview, runs};
use crate::preview::{Drawing, Drawings, drawn};
use crate::query::{LONGEST, Query};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::survey::{self, Graph};
use crate::wanted::Wanted;
use crate::{api, words};

/// How long a browser may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many connections there may be at once.
const CONNECTIONS: usize = 1024;

const STYLE: &str = include_str!("assets/ui.css");
const SCRIPT: &str = include_str!("assets/ui.js");
const ICON: &str = include_str!("assets/icon.svg");

/// What the thread that serves keeps to itself.
#[derive(Default)]
struct Desk {
    graph: RefCell<Graph>,
    drawings: Drawings,
}

impl Desk {
    fn session(&self, shared: &Shared) -> anyhow::Result<Rc<Session>> {
        self.graph.borrow_mut().session(shared)
    }
}

/// Serves until ctrl-c, or until the process is told to end.
///
/// # Errors
/// What keeps the server from starting.
pub fn serve(settings: Settings) -> anyhow::Result<()> {
    let Settings {
        listener, admission, read_only, graph_file, open, registry, program, arguments, environment, ..
    } = settings;
    let commands = Commands::new(program, arguments, environment);
    let shared = Arc::new(Shared::new((admission, read_only), (graph_file, open), registry, commands));
    #[cfg(feature = "amqp")]
    survey::start(shared.clone(), settings.dial)?;
    #[cfg(not(feature = "amqp"))]
    survey::start(shared.clone())?;
    let data = Data::from(shared.clone());
    let app = move || {
        App::new()
            .wrap(from_fn(guard))
            .app_data(data.clone())
            .app_data(Rc::new(Desk::default()))
            .app_data(PayloadConfig::new(LONGEST))
            .service(web::resource("/events").get(news))
            .service(web::resource("/object").get(object))
            .service(web::resource("/drawn/{what}").get(drawing))
            .service(web::resource("/command").get(forecast).post(start))
            .service(web::resource("/interrupt").post(interrupt))
            .service(web::resource("/api/{what}").get(facts))
            .service(web::resource("/ui.css").get(|| asset("text/css; charset=utf-8", STYLE)))
            .service(web::resource("/ui.js").get(|| asset("text/javascript; charset=utf-8", SCRIPT)))
            .service(web::resource("/icon.svg").get(|| asset("image/svg+xml", ICON)))
            .service(web::resource("/graph.svg").get(picture))
            .default_service(web::get().to(page))
    };
    let runtime = euterpe_actors::blocking_threads::runtime().context("no threads to serve on")?;
    actix::System::with_tokio_rt(|| runtime).block_on(async move {
        let server = HttpServer::new(app)
            .workers(1)
            .max_connections(CONNECTIONS)
            .client_request_timeout(PATIENCE)
            .keep_alive(Duration::from_secs(30))
            .shutdown_timeout(1)
            .listen(listener)?;
        server.run().await
    })?;
    match shared.commands.interrupt_all() {
        0 => {}
        many => {
            tracing::warn!("{}", words::count(many as u64, "command was told to stop", "commands were told to stop"))
        }
    }
    Ok(())
}

/// What a handler needs of a request.
struct Asked {
    request: HttpRequest,
    shared: Data<Shared>,
    query: Query,
}

impl Asked {
    fn of(request: HttpRequest, shared: Data<Shared>) -> Self {
        let query = Query::of(request.query_string());
        Self { request, shared, query }
    }

    fn session(&self) -> anyhow::Result<Rc<Session>> {
        self.desk()?.session(&self.shared)
    }

    fn desk(&self) -> anyhow::Result<Rc<Desk>> {
        self.request.app_data::<Rc<Desk>>().cloned().context("the server has no session")
    }

    /// A page, or one that says why there is none.
    fn answer(&self, made: anyhow::Result<Markup>) -> HttpResponse {
        match made {
            Ok(page) => html(StatusCode::OK, page),
            Err(error) => {
                let status = status_of(&error);
                html(status, pages::failed(&self.shared, "This cannot be shown", &format!("{error:#}")))
            }
        }
    }
}

/// A mistake of whoever asks is none of the server.
fn status_of(error: &anyhow::Error) -> StatusCode {
    match error.is::<Mistake>() {
        true => StatusCode::BAD_REQUEST,
        false => StatusCode::NOT_FOUND,
    }
}

fn html(status: StatusCode, page: Markup) -> HttpResponse {
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(page.into_string())
}

async fn page(request: HttpRequest, shared: Data<Shared>) -> HttpResponse {
    let asked = Asked::of(request, shared);
    let (shared, query) = (&asked.shared, &asked.query);
    let made = match asked.request.path() {
        "/" => Ok(overview::overview(shared)),
        "/browse" => Ok(browse::browse(shared, query)),
        "/runs" => Ok(runs::runs(shared, query)),
        "/run" => Ok(runs::run(shared, query)),
        "/nodes" => Ok(nodes::nodes(shared)),
        "/commands" => Ok(pages::commands::commands(shared)),
        "/dead" => match asked.session() {
            Ok(session) => letters::letters(shared, &session, query).await,
            Err(error) => Err(error),
        },
        "/entity" => match asked.session() {
            Ok(session) => entity::entity(shared, &session, &query.text("id")).await,
            Err(error) => Err(error),
        },
        "/compare" => match asked.session() {
            Ok(session) => compare::compare(shared, &session, &query.text("a"), &query.text("b")).await,
            Err(error) => Err(error),
        },
        _ => {
            return html(
                StatusCode::NOT_FOUND,
                pages::failed(shared, "No such page", "There is no page under this address."),
            );
        }
    };
    asked.answer(made)
}

async fn news(shared: Data<Shared>) -> HttpResponse {
    events(&shared.into_inner())
}

async fn asset(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((CACHE_CONTROL, "no-cache")).body(text)
}

/// A picture with a style of its own, which no page may have.
async fn picture(shared: Data<Shared>) -> HttpResponse {
    match overview::picture(&shared.newest()) {
        Some(svg) => HttpResponse::Ok()
            .content_type("image/svg+xml")
            .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
            .body(svg),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn facts(request: HttpRequest, shared: Data<Shared>, what: web::Path<String>) -> HttpResponse {
    let asked = Asked::of(request, shared);
    let session = || asked.session();
    match api::facts(&asked.shared, &session, &what, &asked.query).await {
        Ok(Some(facts)) => HttpResponse::Ok().json(facts),
        Ok(None) => HttpResponse::NotFound().json(api::failure("there is nothing under this address")),
        Err(error) => HttpResponse::build(status_of(&error)).json(api::failure(&format!("{error:#}"))),
    }
}

async fn object(request: HttpRequest, shared: Data<Shared>) -> HttpResponse {
    let asked = Asked::of(request, shared);
    let range = asked.request.headers().get(RANGE).and_then(|range| range.to_str().ok());
    let sent = async {
        let place = Place::of(&asked.query)?;
        let (name, object) = place.open(&*asked.session()?).await?;
        Ok(objects::send(&name, object, range, asked.query.get("download").is_some()).await?)
    };
    sent.await.unwrap_or_else(|error: anyhow::Error| asked.answer(Err(error)))
}

async fn drawing(request: HttpRequest, shared: Data<Shared>, what: web::Path<String>) -> HttpResponse {
    let asked = Asked::of(request, shared);
    let drawn = async {
        let drawing = Drawing::of(&what).ok_or_else(|| Mistake("no such thing is drawn".into()))?;
        let place = Place::of(&asked.query)?;
        let (session, desk) = (asked.session()?, asked.desk()?);
        let file = place.open(&session).await?;
        drawn(drawing, &place, file, (&asked.shared.registry, &desk.drawings)).await
    };
    match drawn.await {
        Ok(png) => HttpResponse::Ok().content_type("image/png").insert_header((CACHE_CONTROL, "no-cache")).body(png),
        Err(error) => asked.answer(Err(error)),
    }
}

async fn forecast(request: HttpRequest, shared: Data<Shared>) -> HttpResponse {
    let asked = Asked::of(request, shared);
    let made = match Wanted::of(&asked.query) {
        Ok(wanted) => pages::commands::command(&asked.shared, &wanted, true).await,
        Err(error) => Err(Mistake(format!("{error:#}")).into()),
    };
    asked.answer(made)
}

/// The form of a request that starts something, if it is one of our own.
fn own_form(asked: &Asked, body: &[u8]) -> Result<Query, Box<HttpResponse>> {
    let form = Query::of(&String::from_utf8_lossy(body));
    match form.get("form_token").is_some_and(|sent| is_same(sent, &asked.shared.form_token)) {
        true => Ok(form),
        false => {
            let text = "The form is none of this server, or of one that was started before; go back, reload the page and try again.";
            Err(Box::new(html(StatusCode::FORBIDDEN, pages::failed(&asked.shared, "Nothing was started", text))))
        }
    }
}

async fn start(request: HttpRequest, shared: Data<Shared>, body: web::Bytes) -> HttpResponse {
    let asked = Asked::of(request, shared);
    let form = match own_form(&asked, &body) {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let told = asked.shared.clone().into_inner();
    let news = move |is_over: bool| {
        told.tell();
        if is_over {
            told.hurry.notify_one();
        }
    };
    let started = Wanted::of(&form).and_then(|wanted| asked.shared.commands.start(&wanted, news));
    match started {
        Ok(started) => seen_at(&format!("/commands#command-{}", started.number)),
        Err(error) => asked.answer(Err(Mistake(format!("{error:#}")).into())),
    }
}

async fn interrupt(request: HttpRequest, shared: Data<Shared>, body: web::Bytes) -> HttpResponse {
    let asked = Asked::of(request, shared);
    let form = match own_form(&asked, &body) {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let started = form.number("number").and_then(|number| asked.shared.commands.find(number as u64));
    let told = started.context("there is no such command").and_then(|started| Ok(started.interrupt()?));
    match told {
        Ok(()) => seen_at("/commands"),
        Err(error) => asked.answer(Err(error)),
    }
}

fn seen_at(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, address)).finish()
}
