// What a browser prefers, and ages that go on counting. No module: it has to run before the first paint.
const CHOICES = { theme: ["auto", "light", "dark"], zone: ["UTC", "local"] };
const chosen = (name) => CHOICES[name].find((each) => each === localStorage[name]) ?? CHOICES[name][0];
let ahead = 0; // ms that the server's clock is ahead

function age(seconds) { // as views/ages.py
  const passed = Math.max(0, Math.floor(seconds));
  const [length, unit] = [[86400, "d"], [3600, "h"], [60, "min"]].find(([least]) => passed >= least) ?? [1, "s"];
  return `${Math.floor(passed / length)} ${unit}`;
}

function local(at, utc) { // as the server wrote it, with a date where it is not today's
  const [date, time] = new Date(at).toLocaleString("sv").split(" "); // as in ISO 8601
  const dated = utc[4] === "-" || date !== new Date().toLocaleDateString("sv");
  return (dated ? `${date} ` : "") + time + (utc.match(/\.\d+$/) ?? "");
}

function write() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = Date.parse(time.dateTime), stands = time.textContent;
    if (time.shown !== stands) time.utc = stands; // the server wrote it just now
    if ("age" in time.dataset) time.shown = age((Date.now() + ahead - at) / 1000);
    else time.shown = chosen("zone") === "local" ? local(at, time.utc) : time.utc;
    if (time.shown !== stands) time.textContent = time.shown;
  }
}

function dress() {
  document.documentElement.dataset.theme = chosen("theme"); // no rule is about auto
  for (const button of document.querySelectorAll("#theme, #zone")) {
    const all = CHOICES[button.id], at = chosen(button.id);
    button.textContent = `${button.id === "zone" ? "Times" : "Theme"}: ${at}`;
    button.hidden = false;
    button.onclick = () => {
      localStorage[button.id] = all[(all.indexOf(at) + 1) % all.length];
      dress();
    };
  }
  write();
}

dress();
document.addEventListener("refreshed", write);
addEventListener("DOMContentLoaded", () => {
  const served = document.querySelector("#freshness time"), [load] = performance.getEntriesByType("navigation");
  if (served) ahead = Date.parse(served.dateTime) - performance.timeOrigin - load.responseStart;
  dress();
  setInterval(write, 1000);
});
