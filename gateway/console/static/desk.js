/* The clerk's desk: one key for the main act, and a notification when something urgent waits. */
(() => {
  "use strict";
  // <button data-key="r">: the key does what the button does, unless somebody is typing.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input,textarea,select") || document.querySelector("dialog[open]")) return;
    const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (target) { event.preventDefault(); target.click(); }
  });
  for (const frame of document.querySelectorAll("a[target=preview]")) {
    frame.addEventListener("click", () => document.querySelector("iframe[name=preview]")?.focus());
  }
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
