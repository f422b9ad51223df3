const [help, on, button] = ["keys-help", "keys-on", "help"].map((id) => document.getElementById(id));
const ROWS = "[data-rows] > *";
let going = 0; // ms until when a key names a page
let row; // walked to last

const find = (selector, within = document) => within?.querySelector(selector);
const current = () => document.activeElement.closest(ROWS) ?? (row?.isConnected ? row : null);
const focus = (element) => { element?.focus(); return element; };
const click = (element) => { element?.click(); return element; };

function walk(step) {
  const rows = [...document.querySelectorAll(ROWS)].filter((each) => each.checkVisibility());
  const at = rows.indexOf(current());
  row = rows[at < 0 ? 0 : at + step] ?? rows[at];
  const link = find("a[href]", row);
  if (row && !link) row.tabIndex = -1;
  return focus(link ?? row);
}

function press(key) { // the row's button, else the page's
  return click(find(`[data-key=${key}]`, current()) ?? find(`[data-key=${key}]:not([data-rows] *)`));
}

function explain() {
  help.showModal();
  return true;
}

const KEYS = {
  "/": () => focus(find("[type=search]")),
  "?": explain,
  g: () => (going = Date.now() + 1500),
  j: () => walk(1),
  k: () => walk(-1),
  x: () => click(find("[type=checkbox]", current())),
  a: press, s: press, r: press,
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event, goes = Date.now() < going;
  if (localStorage.keys === "off" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.closest("input:not([type=checkbox]), textarea, select") || find("dialog[open]")) return;
  going = 0;
  const does = goes ? () => click(find(`[data-go="${CSS.escape(key)}"]`)) : KEYS[key];
  if (does?.(key)) event.preventDefault();
});
on.checked = localStorage.keys !== "off";
on.onchange = () => { localStorage.keys = on.checked ? "on" : "off"; };
button.onclick = explain;
button.hidden = false;
