// What comes up over the page: toasts, a question with choices, the menu of a message.

import {make} from "/bubbles.js";
import {say} from "/words.js";

const TOAST_MS = 4000;
const by = (id) => document.getElementById(id);
let fading;

export function toast(text) {
  clearTimeout(fading);
  by("toast").textContent = text;
  fading = setTimeout(() => (by("toast").textContent = ""), TOAST_MS);
}

// Shows *text* and a button for each of *choices* (words and value); gives the value of the one that is pressed, or null.
export function choose(text, choices) {
  const dialog = make("dialog", {}, make("p", {}, text));
  const button = ([words, value]) => make("button", {type: "button", onclick: () => dialog.close(value)}, words);
  dialog.append(make("div", {}, ...choices.map(button)));
  dialog.setAttribute("aria-label", text);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
  });
}

export const alertOf = (text) => choose(text, [[say("ok"), ""]]);

export function closeMenu({refocus = false} = {}) {
  const menu = document.querySelector("[role=menu]");
  if (!menu) return;
  const button = menu.parentElement.querySelector(".more");
  menu.remove();
  button.setAttribute("aria-expanded", "false");
  if (refocus) button.focus();
}

// Closes the menu whose button is not seen any more in the *box* that scrolls.
export function closeMenuOutside(box) {
  const place = document.querySelector(".more[aria-expanded=true]")?.getBoundingClientRect();
  if (!place) return;
  const {top, bottom} = box.getBoundingClientRect();
  if (place.bottom <= top || place.top >= bottom) closeMenu();
}

// Opens the menu of a message beside *button*: each of *items* is words and what they do.
export function openMenu(button, items) {
  const wasOpen = button.getAttribute("aria-expanded") === "true";
  closeMenu();
  if (wasOpen) return;
  const menu = make("div", {className: "menu"});
  menu.setAttribute("role", "menu");
  for (const [words, act] of items) {
    const item = make("button", {type: "button", onclick: () => { closeMenu({refocus: true}); act(); }}, words);
    item.setAttribute("role", "menuitem");
    menu.append(item);
  }
  menu.addEventListener("keydown", (event) => walk(event, menu));
  menu.classList.toggle("up", button.getBoundingClientRect().top > innerHeight / 2);
  button.after(menu);
  button.setAttribute("aria-expanded", "true");
  menu.firstElementChild.focus({preventScroll: true});
}

function walk(event, menu) {
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (step) {
    const all = [...menu.children];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
    event.preventDefault();
  } else if (event.key === "Escape" || event.key === "Tab") {
    closeMenu({refocus: true});
    if (event.key === "Escape") event.preventDefault();
  }
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[role=menu], .more")) closeMenu();
});
