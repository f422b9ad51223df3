// Keeps a page fresh. Where the feed says that something changed its own address is read again, and elements
// with data-live take over what differs, part by part, so that focus, selection and scrolling stay.

const QUIET = 18e3, POLL = 5e3, ANYWAY = 60e3, APART = 1e3; // ms
const OWN = ["open", "hidden", "tabindex"]; // set by people and scripts
const WORDS = { live: "Live", reconnecting: "Reconnecting", polling: "Polling every 5 s", stale: "Stale since " };
const freshness = document.getElementById("freshness");

let feed, away, failing, wanted, busy, since, spoke;
let read = Date.now(), got = read;

const alike = (old, fresh) => old?.nodeName === fresh.nodeName && old.id === fresh.id;
const parts = (page) => [...page.querySelectorAll("head title, [rel=icon], [data-live][id]")];
const skip = (node) => (node?.rows?.isConnected ? node.nextSibling : node);
const byId = (parent) => new Map([...parent.children].filter(({ id }) => id).map((each) => [each.id, each]));
const refreshed = () => document.dispatchEvent(new Event("refreshed"));

function take(old, fresh) {
  if (!fresh.attributes) return old.data === fresh.data || (old.data = fresh.data);
  for (const name of [...old.getAttributeNames(), ...fresh.getAttributeNames()]) {
    const value = fresh.getAttribute(name);
    if (old.getAttribute(name) === value || OWN.includes(name)) continue;
    if (value === null) old.removeAttribute(name);
    else old.setAttribute(name, value);
  }
  if (old.dataset.rows !== undefined && holds(old)) keepRows(old, fresh);
  else takeChildren(old, fresh);
}

function takeChildren(old, fresh) {
  const named = byId(old);
  let at = skip(old.firstChild), next;
  old.waiting?.remove();
  for (const node of fresh.childNodes) {
    const match = node.id ? named.get(node.id) : at;
    if (!alike(match, node)) old.insertBefore(document.importNode(node, true), at);
    else {
      if (match === at) at = skip(at.nextSibling);
      else old.insertBefore(match, at);
      take(match, node);
    }
  }
  for (; at; at = next) {
    next = skip(at.nextSibling);
    at.remove();
  }
}

// Nothing moves under pointer or focus: new rows wait for a click.
const holds = (rows) => rows.matches(":hover, :focus-within") || rows.waiting?.matches(":hover, :focus");

function keepRows(rows, fresh) {
  const named = byId(fresh);
  for (const row of rows.children) {
    const match = named.get(row.id);
    if (match) take(row, match);
    else if (row.id) row.dataset.gone = "";
    named.delete(row.id);
  }
  if (!named.size) return rows.waiting?.remove();
  const button = rows.waiting ??= document.createElement("button");
  Object.assign(button, { rows, type: "button", className: "waiting", textContent: `${named.size} new, show` });
  button.onclick = () => {
    takeChildren(rows, fresh);
    rows.querySelector("a")?.focus();
    refreshed();
  };
  if (!button.isConnected) (rows.closest("table") ?? rows).before(button);
}

function isTouched(element) {
  const differs = (field) => /checkbox|radio/.test(field.type)
    ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  return element.querySelector("dialog[open]") || [...element.querySelectorAll("input, textarea")].some(differs);
}

function show(page) {
  const all = parts(page);
  for (const old of parts(document)) {
    const fresh = all.find((each) => alike(old, each));
    if (fresh && !isTouched(old)) take(old, fresh);
  }
  refreshed();
}

async function reread() {
  const headers = { Accept: "text/html" }, signal = AbortSignal.timeout(1e4);
  const answer = await fetch(location.href, { headers, signal, cache: "no-store", redirect: "manual" });
  if (!answer.ok && answer.status < 500) return location.reload(); // to sign in, or to read that it is gone
  const html = await answer.text(), was = failing;
  failing = !answer.ok;
  if (failing) return;
  got = Date.now();
  if (was) listen();
  show(new DOMParser().parseFromString(html, "text/html"));
}

async function refresh() {
  wanted = true;
  if (busy) return;
  for (busy = true; wanted; say()) {
    await new Promise((go) => setTimeout(go, read + APART - Date.now()));
    wanted = false;
    read = Date.now();
    await reread().catch(console.warn);
  }
  busy = false;
}

function listen() {
  const on = (name, does) => feed.addEventListener(name, (event) => {
    spoke = got = Date.now();
    does(event);
    say();
  });
  feed?.close();
  spoke = Date.now();
  feed = new EventSource(document.body.dataset.feed);
  on("store", ({ data }) => { away = data === "away"; if (!away) refresh(); });
  for (const name of ["open", "alive", "sessions", "alerts", "queue", "log"])
    on(name, () => document.querySelector(`[data-live~=${name}]`) && refresh());
  feed.onerror = say;
}

function say() {
  const now = Date.now(), silent = now - got > QUIET, stale = away || failing || silent;
  const state = stale ? "stale" : ["reconnecting", "live", "polling"][feed.readyState];
  since = stale ? since || (silent ? got : now) : 0;
  document.body.toggleAttribute("data-stale", stale);
  if (freshness.dataset.state === state) return;
  freshness.dataset.state = state;
  freshness.textContent = WORDS[state];
  if (!stale) return;
  const dateTime = new Date(since).toISOString(), time = document.createElement("time");
  freshness.append(Object.assign(time, { dateTime, textContent: dateTime.slice(11, 19) }));
  refreshed();
}

function look() {
  const now = Date.now(), refused = feed.readyState > 1;
  if (!document.hidden && now - spoke > (refused ? ANYWAY : QUIET)) listen();
  if (now - read > ((refused || failing) && !document.hidden ? POLL : ANYWAY)) refresh();
  say();
}

listen();
setInterval(look, 1000);
// a browser has few connections to one server
document.addEventListener("visibilitychange", () => (document.hidden ? feed.close() : listen()));
