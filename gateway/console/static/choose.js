/* Tables whose rows can be chosen: one box for all of the page, a count, Shift for a run of rows, and the key x. */
(() => {
  "use strict";
  const table = document.querySelector("[data-choose]"), all = table?.querySelector("[data-all]");
  if (!all) return;
  const told = document.querySelector("[data-chosen]"), act = document.querySelector("[data-needs-choice]");
  const boxes = () => [...table.querySelectorAll("tbody input[type=checkbox]")];
  const tell = () => {
    const every = boxes(), count = every.filter((box) => box.checked).length;
    all.checked = count > 0 && count === every.length;
    all.indeterminate = count > 0 && count < every.length;
    told.textContent = told.dataset.chosen.replace("#", count);
    act.disabled = count === 0;
  };
  let last = null;
  table.addEventListener("click", (event) => {
    const box = event.target.closest("input[type=checkbox]"), every = boxes();
    if (!box) return;
    if (box === all) {
      for (const each of every) each.checked = all.checked;
    } else {
      const from = every.indexOf(last), to = every.indexOf(box);
      if (event.shiftKey && from >= 0) {
        for (const each of every.slice(Math.min(from, to), Math.max(from, to) + 1)) each.checked = box.checked;
      }
      last = box;
    }
    tell();
  });
  document.addEventListener("keydown", (event) => {
    if (event.shiftKey || event.key.toLowerCase() !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    document.activeElement?.closest("[data-choose] tbody tr")?.querySelector("input[type=checkbox]")?.click();
  });
  window.addEventListener("pageshow", tell);
  all.hidden = false;
  tell();
})();
