/* The clerk's desk: one key for the main act, and a notification when something urgent waits. */
(() => {
  "use strict";
  // <button data-key="r">: the key does what the button does, unless somebody is typing; Esc ends typing, and
  // Ctrl+Enter does the main act of the form that one types in; from a field beside it, which looks something up, what
  // Enter does. A key that is held does it once: its repeats go on to the next page, whose document nobody has seen.
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.defaultPrevented) return;
    const field = event.target.closest("input,textarea,select");
    if (field && event.key === "Escape") return field.blur();
    if (field?.form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!field.form.contains(field)) return field.form.requestSubmit();
      const main = field.form.querySelector("button.main:enabled");
      return main && field.form.requestSubmit(main);
    }
    if (event.ctrlKey || event.metaKey || event.altKey || field || document.querySelector("dialog[open]")) return;
    const key = event.shiftKey ? event.key : event.key.toLowerCase(); // Caps Lock
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!target) return;
    event.preventDefault();
    if (!target.matches("summary")) return target.click();
    target.parentElement.open = true;
    target.parentElement.querySelector("select,input:not([type=hidden]),textarea")?.focus();
  });
  // <input list="…" data-suggest>: agencies, while somebody types.
  let asking;
  document.addEventListener("input", ({target}) => {
    if (!("suggest" in target.dataset)) return;
    clearTimeout(asking);
    asking = setTimeout(async () => {
      const answer = await fetch(`/desk/agencies?q=${encodeURIComponent(target.value)}`, {headers: {"HX-Request": "true"}}).catch(() => null);
      if (answer?.ok && !answer.redirected) target.list.innerHTML = await answer.text();
    }, 250);
  });
  const button = document.querySelector("[data-ring]");
  if (!("Notification" in window)) return;
  const shown = () => { if (button) button.hidden = Notification.permission !== "default"; };
  button?.addEventListener("click", () => Notification.requestPermission().then(shown));
  shown();
  // What it rang for, by who is signed in, for a PC that several share: among what waits, since a document that was held
  // or comes by the axis is no newer by its number than what rang before. What waits no more is forgotten, but not where
  // more wait than the answer knows: the others may wait yet. One look at a time: an answer that was overtaken would
  // forget what has just rung.
  let turn = Promise.resolve(), isAsked = false;
  const ring = async () => {
    isAsked = false;
    if (Notification.permission !== "granted") return;
    const answer = await fetch("/desk/urgent", {headers: {"X-Live": "1"}}).catch(() => null);
    if (!answer || answer.status >= 500 || answer.status === 429) setTimeout(look, 10000);
    if (!answer?.ok || answer.redirected) return;
    const told = await answer.json(), key = `desk-rung:${told.login}`;
    const rung = new Set(JSON.parse(localStorage.getItem(key) ?? "[]")), first = told.newest.find(({id}) => !rung.has(id));
    const known = new Set([...told.known, ...(told.is_more ? rung : [])]);
    localStorage.setItem(key, JSON.stringify([...known].slice(0, 5000)));
    if (!first) return;
    const said = {body: first.text, tag: "desk", renotify: true, requireInteraction: true};
    const note = new Notification(`${told.title} (${told.count}${told.is_more ? "+" : ""})`, said);
    note.onclick = () => { window.focus(); location.assign(`/desk/in/${first.id}`); };
  };
  const look = () => {
    if (!isAsked) turn = turn.then(ring).catch(() => null);
    isAsked = true;
  };
  for (const topic of ["document", "delivery", "all"]) document.body.addEventListener(`live-${topic}`, look);
  look();
})();
