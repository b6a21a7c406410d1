// What is done once: a button sends its form once, however often it is pressed, and what became of a press is told once.

const MEANT = 5000; // milliseconds after which a press is one more, as after a load that was stopped
let sent = new WeakSet();

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  const pressed = event.submitter ?? form; // another button of a form does something else
  if (sent.has(pressed)) {
    event.preventDefault();
    return;
  }
  sent.add(pressed);
  setTimeout(() => sent.delete(pressed), MEANT);
});

// Shown again, as by going back, it may be sent again.
window.addEventListener("pageshow", () => (sent = new WeakSet()));

const address = new URL(location.href);
if (address.searchParams.has("told")) {
  for (const name of ["told", "most", "minutes"]) address.searchParams.delete(name); // web/told.py
  history.replaceState(history.state, "", address);
}
