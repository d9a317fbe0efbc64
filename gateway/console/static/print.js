/* A button that prints the page: <button data-print>; in a part of class "alone", that part and the heading. */
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-print]");
  if (!button) return;
  document.documentElement.classList.toggle("only-this", Boolean(button.closest(".alone")));
  print();
});
addEventListener("afterprint", () => document.documentElement.classList.remove("only-this"));
