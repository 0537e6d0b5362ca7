import { firstTime } from "./connect";

/** Moments, in seconds before the end, at which a screen reader is told how much is left. */
const SPOKEN = [300, 60];

/**
 * `<div data-countdown="754">` counts the seconds the server said were left. The visitor's clock may be wrong, so
 * only the time that passed here is used. Inside: `[data-countdown-clock]` shows it, `[data-countdown-spoken]` is a
 * polite live region, `[data-countdown-over]` appears and `[data-countdown-running]` disappears at the end.
 */
export function connectCountdowns(): void {
  for (const region of document.querySelectorAll<HTMLElement>("[data-countdown]")) {
    if (firstTime(region, "countdown")) {
      run(region, Date.now() + Number(region.dataset.countdown) * 1000);
    }
  }
}

function run(region: HTMLElement, end: number): void {
  const clock = region.querySelector("[data-countdown-clock]");
  const timer = setInterval(tick, 1000);
  tick();

  function tick(): void {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    if (clock) {
      clock.textContent = minutesAndSeconds(left);
    }
    if (SPOKEN.includes(left)) {
      speak(region, left === 60 ? "1 minute left" : `${left / 60} minutes left`);
    }
    if (left === 0 || !region.isConnected) {
      clearInterval(timer);
    }
    if (left === 0) {
      finish(region);
    }
  }
}

function finish(region: HTMLElement): void {
  region.querySelectorAll<HTMLElement>("[data-countdown-running]").forEach((part) => { part.hidden = true; });
  region.querySelectorAll<HTMLElement>("[data-countdown-over]").forEach((part) => { part.hidden = false; });
  speak(region, "The hold on this time has ended");
}

function speak(region: HTMLElement, words: string): void {
  const spoken = region.querySelector("[data-countdown-spoken]");
  if (spoken) {
    spoken.textContent = words;
  }
}

function minutesAndSeconds(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
