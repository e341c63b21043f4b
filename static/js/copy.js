// Copy buttons: <button data-copy="text"> copies the text and says so.
const FAILURE = "Could not copy. Select the text and copy it by hand.";

async function toClipboard(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain HTTP on anything but localhost has no clipboard API; the old way still works there.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy refused");
}

let timer;
let takeBack = () => {};

// To those who see the button and to those who hear the page. Only one answer stands at a time.
function answer(button, words, show) {
  clearTimeout(timer);
  takeBack();
  const status = document.getElementById("status");
  status.textContent = words;
  const hide = show(button);
  takeBack = () => {
    hide();
    status.textContent = "";
  };
}

function check(button) {
  const icon = button.querySelector("use");
  const before = icon.getAttribute("href");
  icon.setAttribute("href", before.replace(/#.*/, "#circle-check"));
  button.classList.add("ok");
  return () => {
    icon.setAttribute("href", before);
    button.classList.remove("ok");
  };
}

function explain(button) {
  const text = document.createElement("p");
  text.className = "refused";
  text.textContent = FAILURE;
  button.parentElement.append(text);
  return () => text.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  try {
    await toClipboard(button.dataset.copy);
    answer(button, "Copied", check);
    button.focus();
    timer = setTimeout(() => takeBack(), 2000);
  } catch {
    answer(button, FAILURE, explain); // stays until the next try: it says what to do
  }
});
