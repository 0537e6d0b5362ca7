/** Changes the theme without a reload and tells the server, which keeps the choice in a cookie. */
export function switchThemeInPlace(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("[data-theme-switch]")) {
      return;
    }
    const pressed = event.submitter;
    if (!(pressed instanceof HTMLButtonElement)) {
      return;
    }
    event.preventDefault();
    show(form, pressed);
    const body = new FormData(form, pressed);
    void fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
  }, { capture: true });
}

function show(form: HTMLFormElement, pressed: HTMLButtonElement): void {
  if (pressed.value) {
    document.documentElement.dataset.theme = pressed.value;
  } else {
    delete document.documentElement.dataset.theme;
  }
  form.querySelectorAll("button").forEach((button) => {
    button.setAttribute("aria-pressed", String(button === pressed));
  });
}
