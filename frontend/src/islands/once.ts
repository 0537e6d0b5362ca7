/** A double click sends a form once. The button is not disabled, because its value would then not be sent. */
export function sendFormsOnce(): void {
  const sent = new WeakSet<HTMLFormElement>();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== "post" || event.defaultPrevented) {
      return;
    }
    if (sent.has(form)) {
      event.preventDefault();
      return;
    }
    sent.add(form);
    event.submitter?.setAttribute("aria-disabled", "true");
  });

  // A page that comes back out of the browser's memory can be sent again.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) {
      return;
    }
    for (const form of document.forms) {
      sent.delete(form);
      form.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
    }
  });
}
