// Keeps a page fresh: when the server says that something changed, the page is fetched again and its main part replaced,
// unless somebody is typing in it. A log is read on as it grows.
"use strict";

const log = document.getElementById("log");

async function follow(address) {
  const answer = await fetch(address);
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
  if (atEnd) log.scrollTop = log.scrollHeight;
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  const main = document.getElementById("main");
  if (!fresh || main.contains(document.activeElement) && document.activeElement.matches("input, button")) return;
  const open = [...main.querySelectorAll("details")].map((one) => one.open);
  const scrolled = [...main.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  main.replaceChildren(...fresh.childNodes);
  main.querySelectorAll("details").forEach((one, place) => { one.open = open[place] ?? one.open; });
  main.querySelectorAll(".scroll").forEach((one, place) => { one.scrollLeft = scrolled[place] ?? 0; });
}

if (log) {
  if (log.dataset.follow) follow(log.dataset.follow);
} else if (document.querySelector(".who")) {
  let busy = false;
  let again = false;
  const changed = async () => {
    if (busy) { again = true; return; }
    busy = true;
    await refresh().catch(() => {});
    busy = false;
    if (again) { again = false; changed(); }
  };
  new EventSource("/api/v1/live").addEventListener("changed", changed);
}
