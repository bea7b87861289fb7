// Four conveniences; every page works without them.

// The sign-in code may follow the # of the printed address, so that it is never sent in a URL.
const word = document.getElementById("word");
if (word && location.hash.length > 1) {
  word.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}

// Say what a form did: a screen reader speaks of a status that changes, not of one that was there from the start.
const done = document.getElementById("done");
if (done) setTimeout(() => { done.textContent = done.textContent; }, 200);

// Submit a form only once; after it was read, since a disabled button would not be sent with it.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => setTimeout(() => {
    for (const button of form.querySelectorAll("button")) button.disabled = true;
  }));
}
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const button of document.querySelectorAll("button")) button.disabled = false;
});

// Say so when a ticket has changed meanwhile.
const live = document.getElementById("live");
if (live) {
  const ticket = document.body.querySelector("form[action*='/acts/']")?.action.match(/tickets\/([^/]+)\/acts/)?.[1];
  const source = new EventSource("/events");
  source.addEventListener("moved", (event) => {
    const moved = JSON.parse(event.data);
    if (!ticket || decodeURIComponent(ticket) === moved.ticket) live.hidden = false;
  });
  addEventListener("pagehide", () => source.close());
}
