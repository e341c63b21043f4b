// Copy buttons: <button data-copy="text"> copies the text and says so.
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

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  const status = document.getElementById("status");
  try {
    await toClipboard(button.dataset.copy);
    button.classList.add("copied");
    status.textContent = "Copied";
    button.focus();
  } catch {
    status.textContent = "Could not copy. Select the text and copy it by hand.";
  }
  setTimeout(() => {
    button.classList.remove("copied");
    status.textContent = "";
  }, 1600);
});
