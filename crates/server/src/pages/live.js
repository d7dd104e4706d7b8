// Keeps a page fresh: when the server says that something changed, the page is fetched again and its main part replaced,
// unless somebody is typing, pressing or marking in it. A log is read on as it grows.
"use strict";

// Times like "3 min ago" go on when nothing else does.
const MINUTE = 60_000;
// While much happens a page is fetched this often.
const PAUSE = 1_000;
const log = document.getElementById("log");
// A page holds so many pieces of a log that goes on; the server has all of them.
const MOST = 20_000;

// A page that is left may be kept for the way back, with its connections; a browser opens only a few to one server.
const left = new AbortController();
addEventListener("pagehide", () => left.abort());
addEventListener("pageshow", (shown) => { if (shown.persisted) location.reload(); });

async function follow(address) {
  const answer = await fetch(address, { signal: left.signal });
  if (!answer.ok || !answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    rest += value;
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines.filter(Boolean)) show(JSON.parse(line));
  }
}

function show(part) {
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 20;
  for (const line of part.lines) {
    const piece = document.createElement("span");
    piece.className = line.channel;
    piece.textContent = line.text;
    log.append(piece, line.ends ? "\n" : "");
  }
  while (log.childNodes.length > 2 * MOST) log.firstChild.remove();
  if (part.lines.length) document.querySelector(".empty")?.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

// What is open or scrolled is found again by its id, or by its place among its like.
const key = (one, place) => one.id || `${one.className}/${place}`;

function inUse(main) {
  const active = document.activeElement;
  const marked = getSelection();
  return main.contains(active) && active.matches("input, button, summary") || !marked.isCollapsed && main.contains(marked.anchorNode);
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" }, signal: left.signal });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  const main = document.getElementById("main");
  if (!fresh || inUse(main) || fresh.innerHTML === refresh.last) return;
  refresh.last = fresh.innerHTML;
  const open = new Map([...main.querySelectorAll("details")].map((one, place) => [key(one, place), one.open]));
  const scrolled = [...main.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  const stops = () => [...main.querySelectorAll("a, .scroll")];
  const focused = document.activeElement;
  const place = stops().indexOf(focused);
  main.replaceChildren(...fresh.childNodes);
  main.querySelectorAll("details").forEach((one, place) => { one.open = open.get(key(one, place)) ?? one.open; });
  main.querySelectorAll(".scroll").forEach((one, place) => { one.scrollLeft = scrolled[place] ?? 0; });
  if (place >= 0) {
    const distance = (one) => Math.abs(stops().indexOf(one) - place);
    const same = stops().filter((one) => one.getAttribute("href") === focused.getAttribute("href"));
    same.sort((one, other) => distance(one) - distance(other))[0]?.focus({ preventScroll: true });
  }
}

if (log) {
  if (log.dataset.follow) follow(log.dataset.follow).catch(() => {});
} else if (document.querySelector(".who")) {
  let busy = false;
  let again = false;
  const changed = async () => {
    if (busy) { again = true; return; }
    busy = true;
    await refresh().catch(() => {});
    await new Promise((done) => setTimeout(done, PAUSE));
    busy = false;
    if (again) { again = false; changed(); }
  };
  const live = new EventSource("/api/v1/live");
  live.addEventListener("changed", changed);
  left.signal.addEventListener("abort", () => live.close());
  setInterval(changed, MINUTE);
}
