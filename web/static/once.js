// What is done once: a form is sent once, however often it is pressed, and what became of a press is told once.

let sent = new WeakSet();

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
});

// Shown again, as by going back, it may be sent again.
window.addEventListener("pageshow", () => (sent = new WeakSet()));

const address = new URL(location.href);
if (address.searchParams.has("told")) {
  for (const name of ["told", "most", "minutes"]) address.searchParams.delete(name); // web/told.py
  history.replaceState(history.state, "", address);
}
