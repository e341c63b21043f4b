// The page around the content: menus that close, the dialog, messages that can be put away, failed requests.

// Menus are <details>: they open without a script, and close on Escape or a click elsewhere with one.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}

document.addEventListener("click", (event) => {
  closeMenus(event.target.closest?.("details.menu"));
  if (event.target.closest?.("[data-dismiss]")) event.target.closest(".note").remove();
  if (event.target.closest?.("dialog [data-close]")) {
    event.preventDefault();
    event.target.closest("dialog").close();
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.activeElement.closest("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
  // "/" goes to the search field, as on most sites of this kind.
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !document.activeElement.matches("input, select, textarea")) {
    const search = document.querySelector("input[data-shortcut]");
    if (search?.checkVisibility()) {
      event.preventDefault();
      search.focus();
    }
  }
});

// The current tab of a row that is wider than the screen is in sight. The page itself must not move, as it would with
// scrollIntoView: a row of tabs may be far down.
document.addEventListener("htmx:load", (event) => {
  for (const tab of event.target.querySelectorAll(".tabs [aria-current]")) {
    const row = tab.parentElement;
    row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  }
});

// A filter's selects act at once; the button beside them is for those without a script.
document.addEventListener("change", (event) => {
  if (event.target.matches?.("select[data-autosubmit]")) event.target.form.requestSubmit();
});

// What htmx puts into the dialog opens it.
document.addEventListener("htmx:afterSwap", (event) => {
  const dialog = event.detail.target.closest?.("dialog.dialog");
  if (dialog && !dialog.open) dialog.showModal();
});

// A list that was narrowed, sorted or paged says where one is now, to those who do not see it change.
document.addEventListener("htmx:afterSettle", (event) => {
  const place = document.querySelector("#list .place, #list .empty h2");
  if (event.detail.target.id === "list" && place) document.getElementById("status").textContent = place.textContent;
});

// A refused request (signed out, gone, not allowed) has a page of its own that says what to do: go there.
document.addEventListener("htmx:responseError", (event) => {
  const { requestConfig, xhr } = event.detail;
  if (requestConfig.verb === "get") location.assign(xhr.responseURL || location.href);
  else say(`The server answered ${xhr.status}. Reload the page and try again.`);
});
document.addEventListener("htmx:sendError", () => say("The server cannot be reached. Check the connection and try again."));

function say(text) {
  const template = document.getElementById("failure").content.cloneNode(true);
  template.querySelector("p").textContent = text;
  const messages = document.getElementById("messages");
  messages.hidden = false;
  messages.replaceChildren(template);
}
