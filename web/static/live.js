// Keeps what is shown true: the parts of the page that change are read again from the server, which alone makes them.

const EACH = 1000; // milliseconds between two readings
const PATIENCE = 10_000; // milliseconds in which the server must have answered
const ABOUT_TO_PRESS = 700; // milliseconds after a pointer has moved
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
const [LOGGED_OUT, NOT_LET_IN, NOT_HERE, TOO_OFTEN] = [401, 403, 404, 429];
const TOKEN_GONE = 4401; // why the server closes a socket: docs/api.md
const BEGIN_ANEW = 4409;

const connection = document.getElementById("connection");
const {frontEnd, notebook, asking, lost, slow, gone, loggedOut} = connection.dataset;
const dirty = new Set();
const copied = new Set(); // buttons that say so for a while
let reading = false; // or waiting for when it may be read again
let next = 0; // the timer of that waiting
let patience = EACH; // how long to wait where the server was not reached
let trouble = ""; // why what stands here may be old
let moved = -ABOUT_TO_PRESS; // when a pointer did last, over what is read again
let over = false; // nothing is read any more
let told = true; // whether the socket is open, as far as is known

function tell() {
  const said = trouble || (told ? "" : asking);
  if (connection.textContent !== said) connection.textContent = said;
  connection.hidden = !said;
}

const PEOPLES = ["open", "hidden"]; // attributes that the page's readers change, or its scripts
const kindOf = (one) => `${one.nodeName} ${one.getAttribute?.("class") ?? ""}`; // of what has no id

// Returns, for each of *fresh*, which of *old* it is now, if any: by its id, or as the next one of its kind.
function matched(old, fresh) {
  const byId = new Map(old.filter((one) => one.id).map((one) => [one.id, one]));
  let at = 0;
  return fresh.map((one) => {
    const same = one.id ? byId.get(one.id) : old.slice(at).find((other) => !other.id && kindOf(other) === kindOf(one));
    at = Math.max(at, old.indexOf(same) + 1);
    return same;
  });
}

// Makes *old* what *fresh* is, and leaves alone what people have done to it: what is open, chosen, or in focus.
function become(old, fresh) {
  if (copied.has(old)) return;
  for (const {name} of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !PEOPLES.includes(name)) old.removeAttribute(name);
  }
  for (const {name, value} of fresh.attributes) {
    if (!PEOPLES.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.disabled && old.checked) {
    old.checked = false; // it would not be sent
    old.dispatchEvent(new Event("change", {bubbles: true}));
  }
  const news = [...fresh.childNodes];
  const same = matched([...old.childNodes], news);
  const stays = new Set(same);
  // First of all, since what is moved loses the focus: what stands behind it then need not be.
  for (const one of [...old.childNodes]) if (!stays.has(one) && !isChosen(one)) one.remove();
  let at = old.firstChild;
  news.forEach((one, place) => {
    while (at && !stays.has(at)) at = at.nextSibling;
    const kept = same[place];
    if (!kept) old.insertBefore(document.importNode(one, true), at);
    else if (kept === at) at = at.nextSibling;
    else old.insertBefore(kept, at);
    if (kept?.nodeType === Node.ELEMENT_NODE) become(kept, one);
    else if (kept && kept.nodeValue !== one.nodeValue) kept.nodeValue = one.nodeValue;
  });
}

// Whether somebody has ticked it: what newer notes push to the next page stays until they have done what they meant to.
const isChosen = (one) => one.nodeName === "LI" && one.querySelector("input:checked");

async function read(address) {
  const answer = await fetch(address, {headers: {Accept: "text/html"}, signal: AbortSignal.timeout(PATIENCE)});
  if (!answer.ok) throw answer;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

const sourceOf = (part) => part.dataset.from ?? location.pathname + location.search;

// Returns when the pointer rests: what somebody is about to press must not slide away under it.
async function atRest() {
  let left = 0;
  while ((left = moved + ABOUT_TO_PRESS - performance.now()) > 0) await new Promise((go) => setTimeout(go, left));
}

async function readAgain(parts) {
  for (const address of new Set(parts.map(sourceOf))) {
    const page = await read(address);
    await atRest();
    for (const part of parts.filter((one) => sourceOf(one) === address)) {
      const fresh = page.getElementById(part.id);
      if (!fresh) throw {status: NOT_HERE}; // as a note's page that now offers it back
      const inFocus = part.contains(document.activeElement) && document.activeElement;
      const about = inFocus && inFocus.closest("section, article");
      become(part, fresh);
      if (!inFocus || (document.activeElement === inFocus && !inFocus.disabled)) continue;
      if (inFocus.isConnected && !inFocus.disabled) inFocus.focus({preventScroll: true}); // it was moved
      else (about?.isConnected ? about : part).querySelector("h1, h2")?.focus(); // a keyboard goes on from there
    }
  }
}

// Reads nothing more, and leaves alone what stands here: somebody may have typed half of something.
function end(why) {
  over = true;
  trouble = why;
}

// Says why nothing was read, and returns in how many milliseconds to try again. An error is no answer at all.
function notRead({status, headers}) {
  switch (status) {
    case LOGGED_OUT:
      end(loggedOut);
      break;
    case NOT_HERE:
      end(gone);
      break;
    case NOT_LET_IN:
      location.reload();
      break;
    case TOO_OFTEN:
      trouble = slow;
      return 1000 * (Number(headers.get("Retry-After")) || 60);
    default:
      trouble = lost;
      patience = Math.min(1.5 * patience, LONGEST_PAUSE);
      return patience;
  }
  return EACH;
}

// Reads the parts that are marked; what is marked meanwhile is read a second later.
async function refresh() {
  if (over || reading || !dirty.size || document.hidden) return;
  reading = true;
  const kinds = [...dirty];
  dirty.clear();
  const parts = [...document.querySelectorAll("[data-live]")].filter((part) => kinds.includes(part.dataset.live));
  let pause = EACH;
  try {
    await readAgain(parts);
    trouble = "";
    patience = EACH;
  } catch (problem) {
    for (const kind of kinds) dirty.add(kind);
    pause = notRead(problem);
  }
  offerCopies();
  tell();
  next = setTimeout(goOn, pause);
}

function goOn() {
  clearTimeout(next);
  next = 0;
  reading = false;
  refresh();
}

function mark(...kinds) {
  for (const kind of kinds) dirty.add(kind);
  refresh();
}

// Being told.

let seq = null;
let notebooks = "";
let pause = FIRST_PAUSE;

function listen() {
  if (over) return;
  const address = new URL("/api/events", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (seq !== null) address.search = new URLSearchParams({since: seq, notebooks});
  const socket = new WebSocket(address);
  socket.addEventListener("open", () => {
    told = true;
    pause = FIRST_PAUSE;
    mark("task", "note"); // something may have come after the page was made
    if (next && trouble === lost) goOn();
    tell();
  });
  socket.addEventListener("message", ({data}) => hear(JSON.parse(data)));
  socket.addEventListener("close", ({code}) => {
    told = false;
    if (code === TOKEN_GONE) end(loggedOut);
    if (code === BEGIN_ANEW) seq = null;
    mark("task", "note");
    tell();
    setTimeout(listen, pause * (0.5 + Math.random() / 2));
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  });
}

function hear(event) {
  seq = event.seq;
  const here = (one) => String(one.notebook) === notebook;
  if (event.type === "snapshot") {
    notebooks = event.notebooks.join();
    if (event.tasks.some(here)) mark("task", "note");
    if (event.notes.some(here)) mark("task", "note");
  } else if (event.type === "task" && here(event.task)) {
    mark(...(event.task.completed_at ? ["task", "note"] : ["task"])); // an end may change how a note is marked
  } else if (event.type === "note" && here(event.note)) {
    mark("task", "note"); // what a lookup wrote may stand there no more
  }
}

// What one press does.

function offerCopies() {
  for (const button of document.querySelectorAll("[data-copies]")) button.hidden = false;
}

async function copy(button) {
  const input = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(input.value);
  } catch {
    input.select();
    document.execCommand("copy"); // without https browsers give no clipboard
    button.focus();
  }
  const before = button.textContent;
  if (copied.has(button)) return; // whoever pressed first puts its words back
  copied.add(button);
  const said = document.getElementById("copied"); // the button's label names what it copies, and hides its words
  button.textContent = said.textContent = button.dataset.copied;
  setTimeout(() => {
    copied.delete(button);
    button.textContent = before;
    said.textContent = "";
    if (frontEnd !== "sync") mark("task", "note"); // what was not read again meanwhile
  }, 2 * EACH);
}

document.addEventListener("pointermove", ({target}) => {
  if (target.closest("[data-live]")) moved = performance.now();
});

document.addEventListener("click", ({target}) => {
  const button = target.closest("[data-copies]");
  if (button) copy(button);
});

offerCopies();
if (frontEnd === "sync") {
  let begun = false; // whether the page that was last said to be waited for is asked for
  document.addEventListener("submit", ({target, defaultPrevented}) => {
    if (defaultPrevented || !target.dataset.waits) return;
    begun = false; // a press ends the load of the one before it
    connection.textContent = target.dataset.waits;
    connection.hidden = false;
  });
  let within = false; // whether a link to a place on this page was followed since: the load goes on, though it is no news
  window.navigation?.addEventListener("navigate", ({hashChange}) => {
    within = hashChange;
    begun ||= !hashChange;
  });
  window.navigation?.addEventListener("navigateerror", () => setTimeout(() => {
    if (begun && !within) connection.hidden = true; // somebody has stopped it
  }));
} else {
  document.addEventListener("visibilitychange", () => mark("task", "note"));
  setInterval(() => {
    if (frontEnd === "poll" || !told) mark("task", "note");
  }, EACH);
}
if (frontEnd === "push") listen();
