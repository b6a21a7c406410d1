// The chats of whoever is played, as a client of Telegram shows them. The sandbox holds the truth; this draws it.

import {bubble, colourOf, firstLine, keyboard, make} from "/bubbles.js";
import {composer} from "/composer.js";
import {connect} from "/link.js";
import {alertOf, choose, closeMenuOutside, openMenu, toast} from "/popups.js";
import {ofPair, say, switchLanguage, translate} from "/words.js";

const by = (id) => document.getElementById(id);
const list = by("messages");
const NEAR = 80; // pixels from the end that still count as the end
const AGAIN_MS = 2000;
const CALLS = 6;

let cast;
let me;
let open; // the id of the chat that is shown
let loaded = false;
const status = {running: false, gone: false, slow: false};
const messages = new Map(); // chat id -> Map of message id -> message
const menus = new Map(); // "person chat" -> commands
const unread = new Map(); // chat id -> number
const calls = [];

const person = () => cast.people.find((one) => one.id === me);
const chat = (id) => cast.chats.find((one) => one.id === id);
const titleOf = (one) => (one.kind === "private" ? cast.bot : one.title);
const here = () => messages.get(open) ?? new Map();
const mine = (message) => message.sender === me;

const ask = connect(onNews, onEnd);
const typing = composer({
  send,
  commands: () => menus.get(`${me} ${open}`) ?? [],
  lastOwn: () => [...here().values()].findLast((message) => mine(message) && message.text && !message.forwarded),
});

async function send(given, where = open) {
  const answer = await ask(given.do, {as: me, chat: where, ...given});
  if (answer.wrong) toast(say("wrong")[answer.wrong]);
  else if (given.do === "say") toEnd();
  return !answer.wrong;
}

// News.

function onNews(told) {
  if (told.cast) begin(told.cast);
  for (const one of told.menus ?? []) menus.set(`${one.person} ${one.chat}`, one.commands);
  if (told.status) Object.assign(status, told.status);
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
  for (const one of told.messages ?? []) keep(one);
  if (told.messages) {
    loaded = true;
    if (atEnd) toEnd();
    drawChats();
  }
  if (told.calls) {
    calls.push(...told.calls);
    calls.splice(0, calls.length - CALLS);
    drawCalls();
  }
  drawStatus();
}

function begin(given) {
  cast = given;
  const before = Number(sessionStorage.getItem("me"));
  me = cast.people.some((one) => one.id === before) ? before : cast.people[0].id;
  open = person().chats[0];
  translateAll();
}

function keep(one) {
  if (!messages.has(one.chat)) messages.set(one.chat, new Map());
  const kept = messages.get(one.chat);
  const before = kept.get(one.id);
  if (one.deleted) kept.delete(one.id);
  else kept.set(one.id, one);
  if (one.deleted && one.chat === open) typing.lost(one.id);
  if (one.chat === open) drawMessage(one);
  else if (loaded && !before && !one.deleted) unread.set(one.chat, (unread.get(one.chat) ?? 0) + 1);
  if (loaded && one.chat === open && !one.deleted && !mine(one)) tell(one, before);
}

// Says aloud what is new: a message, or another first word of one (the state of a card).
function tell(message, before) {
  const word = (text) => text.split(" ", 1)[0];
  if (!before || word(before.text) !== word(message.text)) by("news").textContent = `${message.name}: ${firstLine(message)}`;
}

function onEnd() {
  choose(say("ended"), [[say("again"), "again"]]).then(() => location.reload());
  setInterval(async () => {
    const answer = await fetch("/icon.svg").catch(() => null);
    if (answer?.ok) location.reload();
  }, AGAIN_MS);
}

// Drawing.

function translateAll() {
  translate(document);
  by("language").textContent = say("other");
  by("language").lang = say("other") === "中文" ? "zh-Hans" : "en";
  by("gone").textContent = say("gone", {n: cast.gone_seconds});
  drawPeople();
  drawPanel();
  drawAll();
}

function drawAll() {
  sessionStorage.setItem("me", me);
  unread.delete(open);
  typing.show();
  drawChats();
  list.replaceChildren();
  for (const message of here().values()) drawMessage(message);
  list.dataset.empty = say("empty");
  drawStatus();
  toEnd();
}

function drawPeople() {
  by("people").replaceChildren(...cast.people.map((one) => {
    const radio = make("input", {type: "radio", name: "me", value: one.id, checked: one.id === me});
    radio.addEventListener("change", () => {
      me = one.id;
      go(one.chats[0]);
    });
    return make("label", {}, radio, make("span", {}, one.name, make("small", {}, ofPair(one.role))));
  }));
}

function go(id) {
  open = id;
  typing.leave();
  drawAll();
}

function avatar(node, one) {
  node.className = `avatar ${colourOf(one.kind === "private" ? 4 : one.id)}`;
  node.textContent = titleOf(one).slice(0, 1).toUpperCase();
  node.setAttribute("aria-hidden", "true");
  return node;
}

function drawChats() {
  const held = document.activeElement?.dataset.chat;
  by("chats").replaceChildren(...person().chats.map((id) => {
    const last = [...(messages.get(id)?.values() ?? [])].at(-1);
    const news = unread.get(id) ? make("span", {className: "unread"}, String(unread.get(id))) : "";
    const says = make("small", {dir: "auto"}, last ? `${mine(last) ? say("you") : last.name}: ${firstLine(last)}` : "");
    const button = make("button", {type: "button", onclick: () => go(id)});
    button.append(avatar(make("span"), chat(id)), make("span", {className: "heading"}, make("strong", {}, titleOf(chat(id))), says), news);
    button.dataset.chat = id;
    button.setAttribute("aria-label", titleOf(chat(id)) + (news && `, ${say("unread", {n: unread.get(id)})}`));
    if (id === open) button.setAttribute("aria-current", "true");
    return make("li", {}, button);
  }));
  if (held) by("chats").querySelector(`[data-chat="${held}"]`)?.focus();
}

function drawStatus() {
  if (!cast) return;
  avatar(by("avatar"), chat(open));
  by("title").textContent = titleOf(chat(open));
  const members = cast.people.filter((one) => one.chats.includes(open)).length;
  const calm = chat(open).kind === "private" ? say("bot") : say("members", {n: members});
  by("subtitle").textContent = status.gone ? say("away") : status.running ? calm : say("starting");
  by("slow").setAttribute("aria-checked", String(status.slow));
  by("gone").disabled = status.gone;
}

function drawMessage(message) {
  const old = by(`message-${message.id}`);
  if (message.deleted) return old?.remove();
  const line = old ?? make("li", {id: `message-${message.id}`});
  line.className = mine(message) ? "mine" : message.bot ? "bot" : "theirs";
  const drawn = bubble(message, {
    withName: chat(open).kind !== "private" && !mine(message),
    find: (id) => here().get(id),
    onCommand: (words) => send({do: "say", text: words}),
    onQuote: (id) => by(`message-${id}`)?.scrollIntoView({block: "center"}),
  });
  if (old) {
    old.querySelector(".bubble").replaceWith(drawn);
  } else {
    line.append(make("div", {className: "beside"}, drawn, more(message.id)));
    list.append(line);
  }
  drawKeyboard(line, message);
}

// Buttons that stay as they are stay the same nodes: else a press that is under way would meet none.
function drawKeyboard(line, message) {
  const buttons = JSON.stringify(message.buttons);
  if (line.dataset.buttons === buttons) return;
  line.dataset.buttons = buttons;
  const old = line.querySelector(".keyboard");
  const held = old?.contains(document.activeElement);
  old?.remove();
  if (message.buttons.length) line.append(keyboard(message, (one, node) => press(message.id, one, node)));
  if (held) (line.querySelector(".keyboard button") ?? line.querySelector(".more")).focus();
}

async function press(id, one, node) {
  if (one.kind === "copy_text") return navigator.clipboard.writeText(one.value).then(() => toast(say("copied")));
  if (one.kind !== "callback_data" || node.ariaBusy === "true") return;
  node.ariaBusy = "true";
  const answer = await ask("press", {as: me, chat: open, message: id, data: one.value});
  node.ariaBusy = null;
  if (answer.wrong) toast(say("wrong")[answer.wrong]);
  else if (answer.alert) await alertOf(answer.text);
  else if (answer.text) toast(answer.text);
}

function more(id) {
  const button = make("button", {type: "button", className: "more", title: say("more")}, "⋯");
  button.setAttribute("aria-label", say("more"));
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => openMenu(button, thingsToDo(here().get(id))));
  return button;
}

function thingsToDo(message) {
  const own = mine(message);
  return [
    [say("reply"), () => typing.begin("reply", message)],
    [say("forward"), () => forward(message)],
    ...(own && !message.forwarded ? [[say("edit"), () => typing.begin("edit", message)]] : []),
    ...(own || chat(open).kind === "private" ? [[say("delete"), () => remove(message)]] : []),
  ];
}

async function forward(message) {
  const from = open;
  const to = await choose(say("forwardTo"), [...person().chats.map((id) => [titleOf(chat(id)), String(id)]), [say("cancel"), ""]]);
  if (to && await send({do: "forward", message: message.id, to: Number(to)}, from)) go(Number(to));
}

async function remove(message) {
  const where = open;
  if (await choose(say("deleteIt"), [[say("delete"), "yes"], [say("cancel"), ""]])) send({do: "delete", message: message.id}, where);
}

function toEnd() {
  list.scrollTop = list.scrollHeight;
}

// The panel.

function offer(one) {
  const act = async () => {
    togglePanel(false);
    if (one.sort !== "several") return typing.fill(one.text);
    for (const line of one.text.split("\n")) await send({do: "say", text: line});
  };
  return make("button", {type: "button", onclick: act}, ofPair(one.label));
}

function drawPanel() {
  by("chips").replaceChildren(...cast.chips.map(offer));
  const sorts = [...new Set(cast.torrents.map((one) => one.sort))];
  by("torrents").replaceChildren(...sorts.flatMap((sort) => [
    make("h3", {}, say("sorts")[sort] ?? sort),
    make("div", {className: "chips"}, ...cast.torrents.filter((one) => one.sort === sort).map(offer)),
  ]));
}

function drawCalls() {
  by("calls").replaceChildren(...calls.map(({method, status: code, description}) => {
    const line = make("li", {}, make("span", {}, method), make("span", {}, code === 200 ? "ok" : `${code || "lost"} ${description}`));
    line.classList.toggle("bad", code !== 200);
    return line;
  }));
}

function togglePanel(show = !by("panel").classList.contains("open")) {
  by("panel").classList.toggle("open", show);
  by("toggle").setAttribute("aria-expanded", String(show));
}

by("language").addEventListener("click", () => {
  switchLanguage();
  translateAll();
});
by("toggle").addEventListener("click", () => togglePanel());
by("close").addEventListener("click", () => togglePanel(false));
by("slow").addEventListener("click", () => ask("trouble", {kind: "slow", on: !status.slow}));
by("gone").addEventListener("click", () => ask("trouble", {kind: "gone"}));
by("refuse").addEventListener("click", async () => {
  await ask("trouble", {kind: "refuse"});
  toast(say("refused"));
});
by("down").addEventListener("click", toEnd);
list.addEventListener("scroll", () => {
  closeMenuOutside(list);
  by("down").hidden = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
});
