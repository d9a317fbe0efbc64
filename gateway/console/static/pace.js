/* A slider that says what it means: <input type="range" data-pace data-waiting data-rate>, and its <output>. */
(() => {
  "use strict";
  for (const slider of document.querySelectorAll("[data-pace]")) {
    const output = document.getElementById(slider.getAttribute("aria-describedby"));
    const now = Number(slider.value), waiting = Number(slider.dataset.waiting), rate = Number(slider.dataset.rate);
    const language = document.documentElement.lang;
    const clock = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { // 30/11/2026, 13:05: days first, as on all pages
      dateStyle: "short", timeStyle: "short", timeZone: output.dataset.zone,
    });
    const tell = () => {
      const most = Number(slider.value), minutes = waiting / (rate * most / now);
      const is_known = waiting > 0 && rate > 0;
      output.value = (is_known ? output.dataset.told : output.dataset.plain)
        .replace("{most}", most)
        .replace("{when}", is_known ? clock.format(new Date(Date.now() + minutes * 60000)) : "");
    };
    slider.addEventListener("input", tell);
    tell();
  }
})();
