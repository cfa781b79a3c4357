// Tells residents before they are signed out (WCAG 2.2 §2.2.1): two minutes before, in
// a region that is read out when they pause, with a button that keeps them signed in.
// Without a press of it nothing is asked of the broker: whoever has left is signed out.
const stay = document.getElementById("stay");
const warning = 120; // seconds
let end, last;

function show(word) {
  for (const one of stay.children) one.hidden = one.id !== word;
}

function left() {
  return (end - Date.now()) / 1000;
}

function look() {
  if (left() <= 0) show("stay-ended");
  else if (left() <= warning) show(last ? "stay-last" : "stay-soon");
  else show("");
}

function count(from) {
  end = Date.now() + from.seconds * 1000;
  last = from.last;
  look();
}

// What is done in one tab counts in all.
const tabs = new BroadcastChannel("stay");
tabs.addEventListener("message", (event) => count(event.data));

function begin(from) {
  count(from);
  tabs.postMessage(from);
}

async function keep() {
  const answer = await fetch("/my/stay", { method: "POST" });
  begin(answer.ok ? await answer.json() : { seconds: 0, last: true });
}

document.getElementById("stay-go").addEventListener("click", keep);
document.getElementById("stay-again").addEventListener("click", () => location.reload());
setInterval(look, 1000);
begin({ seconds: Number(stay.dataset.seconds), last: stay.dataset.last === "true" });
