// Puts what is new into the page that is shown: when the server has news, the same page is fetched again, and each element with
// `data-live` that differs is replaced. Sound that plays, a form that is filled in and what is opened stay as they are.
"use strict";
(() => {
  const main = document.getElementById("main");
  const lost = document.getElementById("link");
  let isAsking = false;
  let isNew = false;

  const opened = (element) =>
    [...element.querySelectorAll("details")].map((details) => details.open);

  async function renew() {
    if (isAsking) {
      isNew = true;
      return;
    }
    isAsking = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const now of document.querySelectorAll("[data-live]")) {
        const next = page.getElementById(now.id);
        if (!next || next.outerHTML === now.outerHTML) continue;
        if (now.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) continue;
        const focus = now.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
        const open = opened(now);
        const fresh = document.importNode(next, true);
        now.replaceWith(fresh);
        [...fresh.querySelectorAll("details")].forEach((details, at) => {
          if (at < open.length) details.open = open[at];
        });
        if (focus) {
          const again = [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === focus);
          if (again) again.focus({ preventScroll: true });
        }
      }
      document.title = page.title;
    } catch (error) {
      // The stream of news tells that the server is away.
    } finally {
      isAsking = false;
      if (isNew) {
        isNew = false;
        setTimeout(renew, 500);
      }
    }
  }

  const news = new EventSource("/events");
  let wasLost = false;
  news.onmessage = renew;
  news.onopen = () => {
    lost.hidden = true;
    if (wasLost) renew();
    wasLost = false;
  };
  news.onerror = () => {
    wasLost = true;
    lost.hidden = false;
  };
  addEventListener("pagehide", () => news.close());

  // A picture that cannot be drawn says so in the words of the server.
  const explain = async (picture) => {
    if (picture.dataset.explained) return;
    picture.dataset.explained = "yes";
    const answer = await fetch(picture.src).catch(() => null);
    const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
    const said = page && page.querySelector("[role=alert]");
    const note = document.createElement("p");
    note.className = "quiet";
    note.textContent = said ? said.textContent : "This cannot be drawn.";
    picture.replaceWith(note);
  };
  main.addEventListener("error", (event) => {
    if (event.target instanceof HTMLImageElement) explain(event.target);
    if (event.target instanceof HTMLAudioElement && !event.target.dataset.told) {
      event.target.dataset.told = "yes";
      const note = document.createElement("p");
      note.className = "quiet";
      note.textContent = "This browser cannot play the file; it can be downloaded.";
      event.target.after(note);
    }
  }, true);
  for (const picture of main.querySelectorAll("img")) {
    if (picture.complete && picture.naturalWidth === 0) explain(picture);
  }
})();
