// Where one types: text, files, answers, edits, and the list of commands.

import {firstLine, make} from "/bubbles.js";
import {asFile} from "/link.js";
import {toast} from "/popups.js";
import {say} from "/words.js";

const by = (id) => document.getElementById(id);
const input = by("input");
const list = by("commands");
const HIGHEST = 160; // pixels
const LONGEST = 4096; // UTF-16 units, as Telegram counts
const LONGEST_CAPTION = 1024;

// *send* gets {do, ...} and gives whether it was done; *commands* gives the pairs that are listed here;
// *lastOwn* gives one's latest message here.
export function composer({send, commands, lastOwn}) {
  let context = null; // {kind: "reply" | "edit", message}
  let active = -1;

  function grow() {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, HIGHEST)}px`;
  }

  function fill(text) {
    input.value = text;
    input.focus();
    input.setSelectionRange(text.length, text.length);
    grow();
    suggest();
  }

  function begin(kind, message) {
    context = {kind, message};
    show();
    if (kind === "edit") fill(message.text);
    input.focus();
  }

  function end() {
    if (context?.kind === "edit") input.value = "";
    context = null;
    show();
    grow();
  }

  function show() {
    by("context").hidden = !context;
    if (!context) return;
    by("context-what").textContent = context.kind === "edit" ? say("editing") : say("replyTo", {name: context.message.name});
    by("context-text").textContent = firstLine(context.message);
  }

  // The commands that begin like what is typed; all of them when *all*.
  function suggest(all = false) {
    const typed = /^\/\w*$/.test(input.value) ? input.value.slice(1) : null;
    const found = all ? commands() : typed === null ? [] : commands().filter(([name]) => name.startsWith(typed));
    active = -1;
    list.replaceChildren(...found.map(option));
    list.hidden = !found.length;
    list.scrollTop = 0;
    input.removeAttribute("aria-activedescendant");
    by("menu").setAttribute("aria-expanded", String(!list.hidden));
  }

  function option([name, description], number) {
    const node = make("li", {id: `command-${number}`}, make("strong", {}, `/${name}`), " ", make("span", {}, description));
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", "false");
    node.addEventListener("mousedown", (event) => event.preventDefault()); // the focus stays where one types
    node.addEventListener("click", () => choose(number));
    return node;
  }

  const nameOf = (number) => list.children[number].firstElementChild.textContent;

  function choose(number) {
    const name = nameOf(number);
    fill("");
    send({do: "say", text: name});
  }

  function move(step) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = (active + step + list.children.length + (active < 0 && step < 0 ? 1 : 0)) % list.children.length;
    list.children[active].setAttribute("aria-selected", "true");
    list.children[active].scrollIntoView({block: "nearest"});
    input.setAttribute("aria-activedescendant", list.children[active].id);
  }

  async function submit(file = null) {
    const text = input.value;
    if (!text.trim() && !file) return;
    if (text.length > (file ? LONGEST_CAPTION : LONGEST)) return toast(say("wrong").long);
    const now = context;
    const given = now?.kind === "edit"
      ? {do: "edit", message: now.message.id, text}
      : {do: "say", text, reply: now?.message.id ?? null, file};
    fill(""); // at once: what is typed next must not be lost when the answer comes
    context = null;
    show();
    if (await send(given) || input.value) return;
    context = now;
    show();
    fill(text);
  }

  input.addEventListener("input", () => { grow(); suggest(); });
  input.addEventListener("keydown", (event) => {
    const listed = !list.hidden;
    if (event.isComposing) return; // an input method has the keys
    if (listed && (event.key === "ArrowDown" || event.key === "ArrowUp")) move(event.key === "ArrowDown" ? 1 : -1);
    else if (listed && event.key === "Tab" && active >= 0) fill(`${nameOf(active)} `);
    else if (listed && event.key === "Escape") suggestNothing();
    else if (event.key === "Escape" && context) end();
    else if (event.key === "ArrowUp" && !input.value && lastOwn()) begin("edit", lastOwn());
    else if (event.key === "Enter" && !event.shiftKey) active >= 0 ? choose(active) : submit();
    else return;
    event.preventDefault();
  });

  function suggestNothing() {
    list.hidden = true;
    active = -1;
    by("menu").setAttribute("aria-expanded", "false");
  }

  by("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  by("context-end").addEventListener("click", () => { end(); input.focus(); });
  by("menu").addEventListener("click", () => { list.hidden ? suggest(true) : suggestNothing(); input.focus(); });
  by("attach").addEventListener("click", () => by("file").click());
  by("file").addEventListener("change", async () => {
    const [file] = by("file").files;
    if (file) await submit(await asFile(file));
    by("file").value = "";
  });

  return {
    fill,
    begin,
    show,
    leave() { end(); suggest(); },
    // The message that is answered or edited is gone.
    lost(id) { if (context?.message.id === id) end(); },
  };
}
