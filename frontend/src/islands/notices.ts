import { firstTime } from "./connect";

/** `<button data-dismiss hidden>` closes the notice it stands in; notices stay until somebody closes them. */
export function connectNotices(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-dismiss]")) {
    if (firstTime(button, "dismiss")) {
      button.hidden = false;
      button.addEventListener("click", () => button.closest("[data-notice]")?.remove());
    }
  }
}
