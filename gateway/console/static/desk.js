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
  let last = Number(localStorage.getItem("desk-rung") ?? 0);
  const look = async () => {
    if (Notification.permission !== "granted") return;
    const answer = await fetch("/desk/urgent", {headers: {"X-Live": "1"}});
    if (!answer.ok || answer.redirected) return;
    const told = await answer.json();
    if (told.seq <= last) return;
    last = told.seq;
    localStorage.setItem("desk-rung", String(last));
    const note = new Notification(`${told.title} (${told.count})`, {body: told.text, tag: "desk", requireInteraction: true});
    note.onclick = () => { window.focus(); location.assign(told.path); };
  };
  for (const topic of ["document", "all"]) document.body.addEventListener(`live-${topic}`, look);
  look();
})();
