/* A button that prints the page: <button data-print>; in a part of class "alone", that part and the heading. */
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-print]");
  if (!button) return;
  document.documentElement.classList.toggle("only-this", Boolean(button.closest(".alone")));
  print();
});
/* Paper cannot be unfolded: <details data-printed> is open on it. */
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details[data-printed]:not([open])")) {
    each.open = true;
    each.dataset.printed = "opened";
  }
});
addEventListener("afterprint", () => {
  for (const each of document.querySelectorAll("details[data-printed=opened]")) {
    each.open = false;
    each.dataset.printed = "";
  }
});
addEventListener("afterprint", () => document.documentElement.classList.remove("only-this"));
