import { firstTime } from "./connect";

const FIRST_MS = 2000;
const GROWTH = 1.5;
const LONGEST_MS = 30_000;

/**
 * `<section id="…" data-refresh>` is something the server is still working on: its content is fetched again, ever
 * less often, until the server sends it without `data-refresh`. The element itself stays, so that a live region
 * inside keeps speaking. Pages carry a `<noscript>` refresh for everybody else.
 */
export function connectRefresh(): void {
  for (const region of document.querySelectorAll<HTMLElement>("[data-refresh][id]")) {
    if (firstTime(region, "refresh")) {
      schedule(region, FIRST_MS);
    }
  }
}

function schedule(region: HTMLElement, delay: number): void {
  setTimeout(() => void refresh(region, delay), delay);
}

async function refresh(region: HTMLElement, delay: number): Promise<void> {
  if (!region.isConnected) {
    return;
  }
  if (!document.hidden) {
    await load(region);
  }
  if (region.hasAttribute("data-refresh")) {
    schedule(region, Math.min(delay * GROWTH, LONGEST_MS));
  }
}

async function load(region: HTMLElement): Promise<void> {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(region.id);
    if (!answer.ok || !fresh) {
      return;
    }
    if (fresh.innerHTML !== region.innerHTML) {
      region.replaceChildren(...fresh.childNodes);
    }
    region.toggleAttribute("data-refresh", fresh.hasAttribute("data-refresh"));
  } catch {
    // Offline for a moment: the next turn tries again.
  }
}
