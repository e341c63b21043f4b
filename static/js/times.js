// Times in the reader's own zone and language. The server writes UTC, which is what is read without this file.
const absolute = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function localTimes(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    // A relative time keeps its words ("3 min ago") and tells the moment when pointed at.
    if (time.dataset.local !== "ago") time.textContent = absolute.format(when);
    time.title = exact.format(when);
    delete time.dataset.local;
  }
}

document.addEventListener("htmx:load", (event) => localTimes(event.target.parentElement ?? document));
