// Keeps, in this tab alone, what was typed and ticked but not yet sent: any other press leads to another page.

const SENT = "sent"; // what is on its way: a draft, and with which form; or ticks
const TICKS = "ticks"; // those of one page of a list or a search

if (location.pathname === "/logout") sessionStorage.clear();
// Only the answer to a send leads with what stood behind the form's address to a note's page, or to a list of notes where
// it was ticks: any other page is no proof.
let taken = []; // ticks that are done with
if (location.hash && location.hash === sessionStorage.getItem(SENT)) {
  const [kind, ...sent] = location.hash.split("_");
  if (kind === "#kept" && location.pathname.startsWith("/notes/")) {
    sessionStorage.removeItem(sent[0]);
    sessionStorage.removeItem(SENT);
  } else if (kind === "#chosen" && location.pathname === "/") {
    taken = sent;
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

  const page = Number(new URLSearchParams(location.search).get("page"));
  const here = `${notebook} ${page} ${document.getElementById("q").defaultValue}`; // its address has several spellings
  const ticked = new Set(JSON.parse(sessionStorage.getItem(TICKS) ?? "{}")[here]);
  const keep = () => sessionStorage.setItem(TICKS, JSON.stringify({[here]: [...ticked]}));
  for (const one of taken) ticked.delete(one);
  keep(); // those of another page are forgotten: what is seen is what is sent
  const boxes = () => [...document.querySelectorAll("#notes [name=note]")];

  for (const box of boxes()) box.checked = !box.disabled && ticked.has(box.value);
  document.addEventListener("change", ({target}) => {
    if (target.name !== "note") return;
    if (target.checked) ticked.add(target.value);
    else ticked.delete(target.value);
    keep();
  });
  document.addEventListener("submit", ({target, submitter, defaultPrevented}) => {
    if (target.id !== "notes-form" || defaultPrevented) return;
    target.setAttribute("action", "/calibrate");
    if (submitter?.name) return; // one note or all of them, whatever is ticked
    const mark = ["#chosen", ...boxes().filter((box) => box.checked).map((box) => box.value)].join("_");
    sessionStorage.setItem(SENT, mark);
    target.setAttribute("action", `/calibrate${mark}`);
  });
}
