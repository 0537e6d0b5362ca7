import { firstTime } from "./connect";

/** `<button data-copy="#id" hidden>` copies the text (or the link) of another element. */
export function connectCopyButtons(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
    if (navigator.clipboard && firstTime(button, "copy")) {
      button.hidden = false;
      button.addEventListener("click", () => void copy(button));
    }
  }
}

async function copy(button: HTMLButtonElement): Promise<void> {
  const source = document.querySelector<HTMLElement>(button.dataset.copy ?? "");
  const label = button.querySelector("[data-copy-label]") ?? button;
  const text = source instanceof HTMLAnchorElement ? source.href : source?.textContent?.trim();
  if (!text) {
    return;
  }
  const before = label.textContent;
  await navigator.clipboard.writeText(text);
  label.textContent = "Copied";
  setTimeout(() => { label.textContent = before; }, 2000);
}
