// Keeps, in this tab alone, what was typed and ticked but not yet sent: any other press leads to another page.

const SENT = "sent"; // which draft is on its way

if (location.pathname === "/logout") sessionStorage.clear();
if (document.getElementById("note")) sessionStorage.removeItem(sessionStorage.getItem(SENT)); // a sent note leads there
sessionStorage.removeItem(SENT);

const text = document.getElementById("text");
if (text) {
  const {form} = text;
  const notebook = form.elements.notebook.value;
  const [draft, ticks] = [`draft-${notebook}`, `ticks-${notebook}`];

  text.value ||= sessionStorage.getItem(draft) ?? "";
  text.addEventListener("input", () => {
    if (text.value) sessionStorage.setItem(draft, text.value);
    else sessionStorage.removeItem(draft);
  });
  form.addEventListener("submit", () => sessionStorage.setItem(SENT, draft));

  const ticked = new Set(JSON.parse(sessionStorage.getItem(ticks) ?? "[]"));
  const keep = () => sessionStorage.setItem(ticks, JSON.stringify([...ticked]));
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
