// Arrow keys walk the marks of a timeline, a line tells their times. Without this they are plain links.
const all = (node, what) => [...node.querySelectorAll(what)];
const begin = (link) => link.getBBox().x;
const markOf = (event) => event.target.closest?.(".tl-plot a");

function rove() {
  for (const plot of all(document, ".tl-plot:not([data-roving])")) {
    plot.dataset.roving = "";
    all(plot, "a").forEach((link, place) => (link.tabIndex = place ? -1 : 0));
  }
  for (const button of all(document, "[data-copy]")) button.hidden = !navigator.clipboard;
}

function say(event) {
  const link = markOf(event), line = document.querySelector("[data-readout]");
  if (link && line) line.textContent = link.querySelector("title").textContent;
}

function beside(link, key) {
  const row = link.closest(".tl-row"), own = all(row, "a").sort((a, b) => begin(a) - begin(b));
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (step) return own[own.indexOf(link) + step];
  const rows = all(row.closest(".tl-plot"), ".tl-row").filter((each) => each.querySelector("a"));
  const next = rows[rows.indexOf(row) + (key === "ArrowUp" ? -1 : 1)], x = begin(link);
  const far = (each) => Math.abs(begin(each) - x);
  return next && all(next, "a").reduce((a, b) => (far(b) < far(a) ? b : a));
}

document.addEventListener("keydown", (event) => {
  const link = markOf(event);
  if (!link || !event.key.startsWith("Arrow")) return;
  event.preventDefault();
  const next = beside(link, event.key);
  if (!next) return;
  link.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});
document.addEventListener("focusin", say);
document.addEventListener("pointerover", say);
document.addEventListener("click", async ({ target }) => {
  if (!target.dataset?.copy) return;
  await navigator.clipboard.writeText(target.dataset.copy);
  target.textContent = "Copied";
});
new MutationObserver(rove).observe(document.body, { childList: true, subtree: true });
rove();
