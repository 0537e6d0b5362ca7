import htmx from "htmx.org";

const EVERY_MS = 30_000;

/**
 * Times that others take go away while one looks: `#booker` is asked for again every half minute while the page is
 * seen, and when one comes back to it. The morph keeps place and focus. What a person is in the middle of stays: an
 * open list of zones, the news that a time was taken.
 */
export function keepTimesFresh(): void {
  setInterval(() => void ask(), EVERY_MS);
  document.addEventListener("visibilitychange", () => void ask());
}

async function ask(): Promise<void> {
  const booker = document.getElementById("booker");
  if (document.hidden || !booker || booker.querySelector("[role=alert], :popover-open")) {
    return;
  }
  const focused = document.activeElement;
  const place = slots().indexOf(focused as HTMLElement);
  await htmx.ajax("GET", location.href, { target: "#booker", select: "#booker", swap: "outerMorph show:none" });
  if (place >= 0 && !focused?.isConnected) {
    const left = slots();
    (left[Math.min(place, left.length - 1)] ?? document.querySelector<HTMLElement>("#booker a.day-chosen"))?.focus();
  }
}

function slots(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("#times button.slot")];
}
