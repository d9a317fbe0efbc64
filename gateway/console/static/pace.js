/* A slider that says what it means: <input type="range" data-pace data-waiting data-rate>, and its <output>. */
(() => {
  "use strict";
  for (const slider of document.querySelectorAll("[data-pace]")) {
    const output = document.getElementById(slider.getAttribute("aria-describedby"));
    const now = Number(slider.value), waiting = Number(slider.dataset.waiting), rate = Number(slider.dataset.rate);
    const language = document.documentElement.lang;
    const parts = new Intl.DateTimeFormat("en-US", {
      day: "2-digit", month: language === "en" ? "short" : "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: output.dataset.zone,
    });
    const clock = (at) => { // 30/11/2026 13:05, or 30 Nov 2026 13:05: as the page writes it
      const of = Object.fromEntries(parts.formatToParts(at).map(({type, value}) => [type, value]));
      return `${[of.day, of.month, of.year].join(language === "en" ? " " : "/")} ${of.hour}:${of.minute}`;
    };
    const tell = () => {
      const most = Number(slider.value), minutes = waiting / (rate * most / now);
      const is_known = waiting > 0 && rate > 0;
      output.value = (is_known ? output.dataset.told : output.dataset.plain)
        .replace("{most}", most)
        .replace("{when}", is_known ? clock(new Date(Date.now() + minutes * 60000)) : "");
    };
    slider.addEventListener("input", tell);
    tell();
  }
})();
