// Choosing rows: all at once, a range with the shift key, and buttons that wait until something is chosen.
// Without this file every checkbox and button works; the server then says if nothing was chosen.
function picks(form) {
  return [...form.querySelectorAll("td.pick input[type=checkbox]")];
}

function show(form) {
  const boxes = picks(form);
  const chosen = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("th.pick input");
  if (all) {
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  for (const button of document.querySelectorAll(`[data-needs-pick][form="${form.id}"]`)) button.disabled = chosen === 0;
  const count = form.querySelector(".picked");
  if (count) count.textContent = chosen ? `${chosen} selected` : "";
}

let last = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  const form = box.matches?.(".pick input[type=checkbox]") && box.closest("form");
  if (!form) return;
  const boxes = picks(form);
  if (box.closest("th")) {
    for (const other of boxes) other.checked = box.checked;
  } else if (event.shiftKey && boxes.includes(last)) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const other of boxes.slice(from, to + 1)) other.checked = box.checked;
  }
  last = box;
  show(form);
});

document.addEventListener("htmx:load", () => {
  for (const form of document.querySelectorAll("form[data-picks]")) show(form);
});
