// Messages as nodes. Whatever people or torrents are called goes in as text, never as HTML.

import {say} from "/words.js";

const TAGS = {
  bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote",
};
const COLOURS = 6;

export function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export const colourOf = (id) => `colour-${Math.abs(id) % COLOURS}`;

// Entities come sorted, outer before inner; offsets count UTF-16 units, as strings do here.
function formatted(text, queue, from, to, onCommand) {
  const parts = [];
  let at = from;
  while (queue.length && queue[0].offset < to) {
    const entity = queue.shift();
    const end = Math.min(entity.offset + entity.length, to);
    parts.push(text.slice(at, entity.offset));
    parts.push(entityNode(entity, text.slice(entity.offset, end), formatted(text, queue, entity.offset, end, onCommand), onCommand));
    at = end;
  }
  parts.push(text.slice(at, to));
  return parts;
}

function entityNode(entity, words, children, onCommand) {
  if (entity.type === "bot_command") {
    return make("button", {type: "button", className: "link", onclick: () => onCommand(words)}, words);
  }
  if (entity.type === "url") {
    return make("a", {href: entity.url, target: "_blank", rel: "noopener", className: "link"}, words);
  }
  const node = make(TAGS[entity.type] ?? "span", {className: entity.type}, ...children);
  if (entity.url) node.title = entity.url; // told, not followed: nothing leads out of the sandbox
  return node;
}

function quoted(message) {
  const button = make("button", {type: "button", className: `quote ${colourOf(message?.sender ?? 0)}`});
  button.append(make("strong", {dir: "auto"}, message?.name ?? ""), make("span", {dir: "auto"}, message ? firstLine(message) : say("deletedMessage")));
  return button;
}

export const firstLine = (message) => message.text.split("\n", 1)[0].slice(0, 120) || message.file?.name || "";

// All of a message but its buttons. *find* gives another message of its chat, undefined where there is none.
export function bubble(message, {withName, find, onCommand, onQuote}) {
  const node = make("div", {className: "bubble"});
  if (withName) node.append(make("strong", {className: `name ${colourOf(message.sender)}`, dir: "auto"}, message.name));
  if (message.forwarded) {
    node.append(make("p", {className: "forwarded", dir: "auto"}, say("forwardedFrom", {name: message.forwarded})));
  }
  if (message.reply !== null) {
    const quote = quoted(find(message.reply));
    quote.addEventListener("click", () => onQuote(message.reply));
    node.append(quote);
  }
  if (message.file) {
    const link = make("a", {className: "file", href: `/file/${encodeURIComponent(message.file.id)}`, download: message.file.name});
    link.append(make("bdi", {}, message.file.name), make("small", {}, `${Math.ceil(message.file.size / 1000).toLocaleString()} kB`));
    node.append(link);
  }
  if (message.text) {
    const text = make("div", {className: "text", dir: "auto"});
    text.append(...formatted(message.text, [...message.entities], 0, message.text.length, onCommand));
    node.append(text);
  }
  const time = new Date(message.at * 1000).toLocaleTimeString([], {hour: "2-digit", minute: "2-digit", hour12: false});
  node.append(make("span", {className: "meta"}, message.edited ? `${say("edited")} ${time}` : time));
  return node;
}

export function keyboard(message, onPress) {
  const node = make("div", {className: "keyboard"});
  node.setAttribute("role", "group");
  node.setAttribute("aria-label", say("buttons"));
  for (const row of message.buttons) {
    const line = make("div", {});
    for (const one of row) line.append(make("button", {type: "button", onclick: (event) => onPress(one, event.currentTarget)}, one.text));
    node.append(line);
  }
  return node;
}
