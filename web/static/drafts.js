// Keeps, in this tab alone, what was typed and ticked but not yet sent: any other press leads to another page.

const SENT = "sent"; // the draft that is on its way, and with which form
const TICKS = "ticks"; // those of one page of a list or a search

if (location.pathname === "/logout") sessionStorage.clear();
// Only the answer to a send leads to a note's page with what stood behind the form's address: any other page is no proof.
if (location.hash && location.hash === sessionStorage.getItem(SENT)) {
  if (location.pathname.startsWith("/notes/")) {
    sessionStorage.removeItem(location.hash.split("_")[1]);
    sessionStorage.removeItem(SENT);
  }
  history.replaceState(history.state, "", location.pathname + location.search);
}

const text = document.getElementById("text");
if (text) {
  const {form} = text;
  const notebook = form.elements.notebook.value;
  const draft = `draft-${notebook}`;

  text.autocomplete = "off"; // going back, a browser would bring back what was sent, too
  text.value ||= sessionStorage.getItem(draft) ?? "";
  text.addEventListener("input", () => {
    if (text.value) sessionStorage.setItem(draft, text.value);
    else sessionStorage.removeItem(draft);
  });
  form.addEventListener("submit", () => {
    const mark = `#kept_${draft}_${form.elements.key.value}`;
    sessionStorage.setItem(SENT, mark);
    form.setAttribute("action", `/notes${mark}`); // a redirect brings it along
  });

  const here = location.search;
  const ticked = new Set(JSON.parse(sessionStorage.getItem(TICKS) ?? "{}")[here]);
  const keep = () => sessionStorage.setItem(TICKS, JSON.stringify({[here]: [...ticked]}));
  keep(); // those of another page are forgotten: what is seen is what is sent
  const boxes = () => [...document.querySelectorAll("#notes [name=note]")];

  for (const box of boxes()) box.checked = !box.disabled && ticked.has(box.value);
  document.addEventListener("change", ({target}) => {
    if (target.name !== "note") return;
    if (target.checked) ticked.add(target.value);
    else ticked.delete(target.value);
    keep();
  });
  document.addEventListener("submit", ({target, submitter}) => {
    if (target.id !== "notes-form" || submitter?.name) return; // one note or all of them, whatever is ticked
    for (const box of boxes()) if (box.checked) ticked.delete(box.value);
    keep();
  });
}
