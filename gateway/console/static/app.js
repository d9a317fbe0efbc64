/* Keys, dialogs, live parts and their stream, and the warning before a session ends. Pages work without it. */
(() => {
  "use strict";
  const body = document.body, $ = (selector) => document.querySelector(selector);

  // On a narrow screen the menu and tabs are lines that are moved sideways.
  for (const here of document.querySelectorAll(".menu [aria-current], .tabs [aria-current]")) here.scrollIntoView({block: "nearest", inline: "center"});

  // Dialogs: <button data-open="id">, and <button data-close> inside.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-open],[data-close],[data-stay]");
    if (!button) return;
    if (button.dataset.open) document.getElementById(button.dataset.open)?.showModal();
    else if ("close" in button.dataset) button.closest("dialog")?.close();
    else if ("stay" in button.dataset) document.dispatchEvent(new Event("stay"));
  });

  // A form is sent once to each address. What is typed into one that is posted is remembered, by person, page, address and what it is
  // about, or under the name in <form data-keep="name">; never where it has a password or a secret, nor on a page of strangers or of
  // forms that the server keeps. It stays until it was sent and a page says so. It comes back in another session, and in this one where the page itself is brought back (Back, reload, another language or look) or what was sent was never
  // done: then only into fields of which the server says what it said when they were filled in, since what it says anew is newer. What
  // nobody changed does not come back: the server may know better by now.
  const user = () => $(".me .quiet")?.textContent.split(" · ")[0] ?? ""; // the login: what follows is in the page's language
  const session = (body.getAttribute("hx-headers:inherited") ?? "").slice(-14, -2);
  const secret = ["password", "old", "new", "again", "secret"].map((name) => `[name="${name}"],`).join("") + "[type=password]";
  const keyOf = (form) => {
    const isKept = user() && location.pathname !== "/kept" && form.getAttribute("method") === "post" && !form.matches(".switches");
    if (!isKept || form.querySelector(secret) || !form.querySelector("textarea,select,input:not([type=hidden])")) return "";
    const about = [...form.querySelectorAll("input[type=hidden]")].filter((field) => !["form-token", "once"].includes(field.name));
    const action = form.getAttribute("action")?.split("?")[0];
    return form.dataset.keep || JSON.stringify([location.pathname, action, ...about.map((field) => field.value)]);
  };
  const place = (form) => `${user()}:${keyOf(form)}`;
  document.addEventListener("submit", (event) => {
    const form = event.target, next = form.matches(".switches") && form.elements.next;
    if (next) {
      next.value = next.value.split("#")[0] + location.hash;
      sessionStorage.setItem("looks", "1");
    }
    const to = event.submitter?.getAttribute("formaction") ?? form.action;
    if (form.dataset.sent === to) return event.preventDefault();
    if (form.method === "post" && !form.matches("[hx-post]")) {
      form.dataset.sent = to;
      // signing in, another language, or a form on /kept: what was sent last is none of these
      if (user() && location.pathname !== "/kept" && !next) sessionStorage.setItem("sent", keyOf(form) ? place(form) : "");
      setTimeout(() => delete form.dataset.sent, 5000);
    }
  });
  const given = (field) => {
    if (field?.options) return ([...field.options].find((each) => each.defaultSelected) ?? field.options[0])?.value;
    return field?.type !== "checkbox" ? field?.defaultValue : field.defaultChecked ? field.value : "";
  };
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (!form || !keyOf(form)) return;
    const kept = [...new FormData(form)].filter(([name, value]) => name !== "form-token" && typeof value === "string");
    const all = kept.map(([name, value]) => [name, value, given(form.elements[name]) ?? ""]);
    sessionStorage.setItem(place(form), JSON.stringify([session, all]));
  });
  const isBroughtBack = sessionStorage.getItem("looks") || performance.getEntriesByType("navigation")[0]?.type !== "navigate";
  sessionStorage.removeItem("looks");
  if (($("#notices .done") || "did" in body.dataset) && sessionStorage.getItem("sent")) {
    sessionStorage.removeItem(sessionStorage.getItem("sent"));
    sessionStorage.removeItem("sent");
  }
  for (const form of document.querySelectorAll("form[method=post]")) {
    if (!keyOf(form)) continue;
    const [typedIn, kept] = JSON.parse(sessionStorage.getItem(place(form)) ?? "[]");
    const isHere = typedIn === session, isOld = isHere && !isBroughtBack && sessionStorage.getItem("sent") !== place(form);
    if (isOld) sessionStorage.removeItem(place(form));
    for (const [name, value, was] of isOld ? [] : (kept ?? [])) {
      const field = form.elements[name];
      if (value === was || (isHere && (given(field) ?? "") !== was)) continue;
      if (field?.type === "checkbox") field.checked = true;
      else if (field && "value" in field && field.type !== "hidden" && field.value !== value) field.value = value;
      else continue;
      for (let at = form.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
      $("#restored").hidden = false;
    }
  }

  // Keys. With Caps Lock a letter's key is still its own; with Shift it is not.
  let waitsForDigit = false;
  const rows = () => [...document.querySelectorAll("[data-rows] tbody tr")];
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]),textarea,select,[contenteditable]") || $("dialog[open]")) return;
    const key = event.shiftKey ? event.key : event.key.toLowerCase();
    if (waitsForDigit && /^[1-9]$/.test(key)) {
      event.preventDefault(); // on some pages the digit alone is an act
      document.querySelectorAll(".menu a")[key - 1]?.click();
    } else if (key === "/") {
      $("#search")?.focus();
      event.preventDefault();
    } else if (key === "?") {
      document.getElementById("keys")?.showModal();
    } else if (key === "j" || key === "k") {
      const all = rows(), at = all.indexOf(document.activeElement?.closest("tr"));
      const next = all[key === "j" ? Math.min(at + 1, all.length - 1) : Math.max(at - 1, 0)];
      next?.querySelector("a,button")?.focus();
    }
    waitsForDigit = key === "g";
  });

  // A browser's viewer takes the focus to tell that a PDF is damaged, whatever somebody is typing or choosing by then: it goes back to
  // where it was. Who comes to the preview by Tab or a click stays there; a click in it is known by the activity that nobody showed here.
  let had = null, did = "", at = -Infinity, came = -Infinity;
  const preview = $("iframe.preview");
  const note = ({type, key}) => { [did, at] = [key ?? type, performance.now()]; };
  for (const type of ["keydown", "pointerdown"]) document.addEventListener(type, note, true);
  document.addEventListener("focusin", ({target}) => { if (target !== preview) had = target; });
  preview?.addEventListener("load", () => { came = performance.now(); });
  window.addEventListener("blur", () => {
    const now = performance.now(), isThere = () => document.activeElement === preview, isByTab = did === "Tab" && now - at < 1000;
    if (!isThere() || isByTab || now - came > 5000) return;
    setTimeout(() => { // when the browser is done with giving it away
      const isByClick = navigator.userActivation?.isActive && performance.now() - at > 5000;
      if (!isThere() || isByClick) return;
      preview.blur();
      if (had?.isConnected) had.focus({preventScroll: true});
      else window.focus();
    }, 50);
  });

  if (body.dataset.newest === undefined) return;

  // The session: a warning two minutes before it ends, and a button against it.
  const idle = Number(body.dataset.idle) * 1000, expiring = $("#expiring");
  let timer;
  const watch = () => {
    clearTimeout(timer);
    expiring.hidden = true;
    timer = setTimeout(() => { expiring.hidden = false; }, Math.max(idle - 120000, idle / 2));
  };
  const token = () => JSON.parse(body.getAttribute("hx-headers:inherited"))["X-Form-Token"];
  const ask = (headers) => fetch("/still-here", {method: "POST", headers: {"X-Form-Token": token(), ...headers}});
  const isSignedIn = (answer) => answer.ok && !answer.redirected;
  const ended = () => {
    clearTimeout(timer);
    expiring.hidden = true;
    $("#ended").hidden = false;
  };
  const stay = async () => (isSignedIn(await ask({})) ? watch() : ended());

  // A live part that cannot be fetched anew (an error, a server that is started anew) keeps what it shows, and a line above it says that
  // this may be old. It is fetched again after 2 s, then more and more seldom, and at once when the stream is back; one that is fetched
  // every few seconds anyway needs no more. After the session's end the part stays, too: somebody may be filling in a form in it.
  const stale = new Map();
  const isLive = (ctx) => ctx?.request?.headers?.["X-Live"];
  const spot = (part) => part.closest(".scroll") ?? part; // among rows there is no place for a line
  const mark = (part) => {
    const before = spot(part).previousElementSibling;
    return before?.matches("[data-stale]") ? before : null;
  };
  const refetch = (part) => (part.isConnected ? htmx.ajax("GET", part.getAttribute("hx-get"), {source: part}) : stale.delete(part));
  const failed = (part) => {
    const {tries = 0, timer} = stale.get(part) ?? {}, wait = Math.min(2000 * 2 ** tries, 60000);
    clearTimeout(timer);
    const isOften = /every \ds/.test(part.getAttribute("hx-trigger"));
    stale.set(part, {tries: tries + 1, timer: isOften ? 0 : setTimeout(() => refetch(part), wait)});
    if (!mark(part)) spot(part).before($("#stale").content.cloneNode(true));
  };
  const fresh = (part) => {
    clearTimeout(stale.get(part)?.timer);
    if (stale.delete(part) && ![...stale.keys()].some((each) => spot(each) === spot(part))) mark(part)?.remove();
  };
  document.addEventListener("htmx:before:request", ({detail: {ctx}}) => {
    if (!isLive(ctx)) return;
    const ask = ctx.fetch;
    ctx.fetch = (...asked) => ask(...asked).catch((error) => {
      if (ctx.request.signal.aborted) throw error;
      return new Response("", {status: 503}); // no answer is one that failed
    });
  });
  document.addEventListener("htmx:after:request", (event) => {
    const {ctx} = event.detail, answer = ctx?.response?.raw;
    if (!isLive(ctx)) return watch();
    if (answer.ok && !answer.redirected) return fresh(ctx.sourceElement);
    event.preventDefault();
    if (answer.status === 401) ended();
    else failed(ctx.sourceElement);
  });
  document.addEventListener("htmx:error", ({detail: {ctx}}) => isLive(ctx) && failed(ctx.sourceElement));
  document.addEventListener("stay", stay);

  // Signing in from a page that answered a form: no address leads back to it, so what is being filled in there goes to the server before,
  // which keeps it and does nothing of it. After signing in it stands on /kept; what was changed there is kept in the same way.
  const isTyped = (form) => (location.pathname !== "/kept" ? keyOf(form) && sessionStorage.getItem(place(form))
    : [...form.elements].some((field) => field.defaultValue !== undefined && field.value !== field.defaultValue));
  $("#ended a").addEventListener("click", async (event) => {
    const link = event.currentTarget, next = new URL(link.href).searchParams.get("next") ?? "/", unkept = $("#unkept");
    if (!unkept.hidden || (next.split("?")[0] === location.pathname && next !== "/kept")) return;
    event.preventDefault();
    for (const form of document.querySelectorAll("form[method=post]")) {
      if (!isTyped(form)) continue;
      const fields = new URLSearchParams(new FormData(form, form.querySelector("button.main")));
      const asked = {method: "POST", body: fields, headers: {"X-Keep": "1"}, redirect: "manual"};
      const answer = await fetch(form.action, asked).catch(() => null);
      unkept.hidden = answer !== null && answer.status < 400;
      if (!unkept.hidden) return;
      if (keyOf(form)) sessionStorage.setItem("sent", place(form));
    }
    location.href = link.href;
  });
  watch();

  // One stream for all tabs of a session: whoever holds the lock has it, and tells the others what happened and how the connection is.
  // A tab that comes later asks for both; what happened after it was made and before it asked, it fetches anew.
  let newest = body.dataset.newest;
  const waiting = new Set();
  let resting = false;
  const pass = () => {
    for (const topic of waiting) body.dispatchEvent(new CustomEvent(`live-${topic}`));
    resting = waiting.size > 0;
    waiting.clear();
    if (resting) setTimeout(pass, 1000);
  };
  const told = (id, topics) => {
    newest = id || newest;
    topics.split(" ").filter(Boolean).forEach((topic) => waiting.add(topic));
    if (!resting) pass();
  };
  const channel = new BroadcastChannel(`live-${session}`), offline = $("#offline");
  let leads = false, how = "";
  const is = (now) => {
    if (now === "on" && how !== now) [...stale.keys()].forEach(refetch);
    how = now;
    offline.hidden = how !== "off";
    body.dataset.live = how === "on" ? "on" : "off";
    if (how === "ended") ended();
  };
  const tell = (now) => {
    is(now);
    channel.postMessage({how, newest});
  };
  channel.onmessage = ({data}) => {
    if (data.topics) told(data.newest, data.topics);
    else if (!data.how) leads && how && tell(how);
    else {
      is(data.how);
      if (Number(newest) < Number(data.newest)) told(data.newest, "all");
    }
  };
  const open = () => {
    leads = true;
    const source = new EventSource(newest ? `/live?after=${newest}` : "/live");
    source.onopen = () => tell("on");
    source.onerror = () => {
      tell("off");
      if (source.readyState === EventSource.CLOSED) setTimeout(again, 3000);
    };
    source.addEventListener("begun", (event) => { newest ||= event.lastEventId; });
    source.addEventListener("changed", (event) => {
      told(event.lastEventId, event.data);
      channel.postMessage({newest, topics: event.data});
    });
    source.addEventListener("ended", () => {
      source.close();
      tell("ended");
    });
  };
  const again = async () => {
    const answer = await ask({"X-Live": "1"}).catch(() => null);
    if (answer && answer.status < 500 && answer.status !== 429 && !isSignedIn(answer)) tell("ended");
    else open();
  };
  channel.postMessage({});
  navigator.locks?.request(`live-${session}`, () => new Promise(open));
})();
