//! Commands: what one would do, before it is started; those that were started, with what they print.

use maud::{Markup, html};

use super::{page, when};
use crate::commands::Started;
use crate::shared::Shared;
use crate::wanted::{Verb, Wanted, typed};

/// What a command would do, with the button that starts it.
///
/// # Errors
/// Where that cannot be found out.
pub(crate) async fn command(shared: &Shared, wanted: &Wanted, asks_for_ids: bool) -> anyhow::Result<Markup> {
    let (is_good, forecast) = shared.commands.forecast(wanted).await?;
    let words = wanted.words(&shared.commands.graph, false);
    let dry = typed(&wanted.words(&shared.commands.graph, true));
    let (title, warning) = match wanted.verb {
        Verb::Run => ("Run", ""),
        Verb::Force => ("Make anew", "What is there is replaced, and what is made from it is made anew."),
        Verb::Retry => ("Try again", ""),
        Verb::Drop => ("Give up", "What is given up counts as skipped from now on; only a forced run makes it."),
        Verb::Resume => ("Take up a run", ""),
        Verb::Publish => ("Publish to the nodes", "The nodes do the work; this command ends when all is sent."),
    };
    let body = html! {
        p { "This will be run, in the folder in which this server was started:" }
        pre class="text" tabindex="0" { (typed(&words)) }
        @if !warning.is_empty() { p class="banner" { (warning) } }
        @if asks_for_ids && matches!(wanted.verb, Verb::Run | Verb::Publish) { (narrower(wanted)) }
        h2 { "What it would do" }
        p class="quiet" { "As " code { (dry) } " says:" }
        pre class={ "text " @if !is_good { "bad" } } tabindex="0" { (forecast) }
        @if shared.read_only { p class="banner" { "This server only shows: it was started with --read-only." } }
        @else {
            form method="post" action="/command" {
                input type="hidden" name="form_token" value=(shared.form_token);
                @for (name, value) in wanted.fields() { input type="hidden" name=(name) value=(value); }
                button type="submit" class="go" { (title) }
                " " a href="/" { "Leave it" }
            }
        }
    };
    Ok(page(shared, &shared.newest(), "/commands", title, &body))
}

/// The same for other entities.
fn narrower(wanted: &Wanted) -> Markup {
    html! {
        form class="filter" method="get" action="/command" {
            @for (name, value) in wanted.fields().into_iter().filter(|(name, _)| *name != "id") { input type="hidden" name=(name) value=(value); }
            label { "Only these entities, one in each line " textarea name="id" rows="3" spellcheck="false" { (wanted.ids.join("\n")) } }
            button type="submit" { "Show what that would do" }
        }
    }
}

/// All that were started from these pages.
pub(crate) fn commands(shared: &Shared) -> Markup {
    let all = shared.commands.all();
    let body = html! {
        div id="commands" data-live {
            @if all.is_empty() { p class="quiet" { "Nothing was started from these pages yet." } }
            @for started in &all { (self::started(shared, started)) }
        }
    };
    page(shared, &shared.newest(), "/commands", "Commands", &body)
}

fn started(shared: &Shared, started: &Started) -> Markup {
    let now = started.now();
    let lines: Vec<&str> = now.lines.iter().map(String::as_str).collect();
    html! {
        section class="command" id={ "command-" (started.number) } aria-label={ "command " (started.number) } {
            h2 { code { (started.typed) } }
            p {
                @match &now.ended {
                    Some((how, ended)) => { span class={ "state " (if now.is_good { "done" } else { "dead" }) } { (how) } " " (when(*ended)) }
                    None => { span class="state missing" { "at work" } ", begun " (when(started.begun)) }
                }
            }
            @if !lines.is_empty() { pre class="text" tabindex="0" { (lines.join("\n")) } }
            @if now.ended.is_none() && !shared.read_only {
                form method="post" action="/interrupt" {
                    input type="hidden" name="form_token" value=(shared.form_token);
                    input type="hidden" name="number" value=(started.number);
                    button type="submit" title="as ctrl-c does: the first time it finishes what is in hand, the second time it stops at once" { "Stop it" }
                }
            }
        }
    }
}
