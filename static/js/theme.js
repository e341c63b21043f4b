// The theme switch. It is a form that works without this file; here it only saves the round trip.
// The choice lives in a cookie so that the server writes it into <html>, and no page flashes in the wrong colours.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const theme = event.submitter?.value;
  if (!form.matches("form[data-theme-form]") || !theme) return;
  event.preventDefault();

  const secure = location.protocol === "https:" ? "; secure" : "";
  const age = theme === "system" ? 0 : 365 * 24 * 3600;
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax${secure}`;

  if (theme === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = theme;
  for (const button of form.elements) {
    if (button.name === "theme") button.setAttribute("aria-pressed", String(button.value === theme));
  }
});
