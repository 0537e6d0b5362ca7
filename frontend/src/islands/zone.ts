import htmx from "htmx.org";

const YEAR_SECONDS = 365 * 24 * 60 * 60;

/**
 * The server marks `<html data-zone-guess>` when it knows nothing better than the coach's zone. Then the browser's own
 * zone is kept in the cookie `tz`, and the parts of the page that print times (`[data-local-times][id]`) are asked for again.
 */
export function detectTimeZone(): void {
  const root = document.documentElement;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!root.hasAttribute("data-zone-guess") || !zone) {
    return;
  }
  const secure = location.protocol === "https:" ? "; secure" : "";
  // Zone names hold nothing a cookie forbids, and Django does not undo percent signs.
  document.cookie = `tz=${zone}; path=/; max-age=${YEAR_SECONDS}; samesite=lax${secure}`;
  if (zone === root.dataset.zoneGuess) {
    return;
  }
  for (const region of document.querySelectorAll("[data-local-times][id]")) {
    const target = `#${region.id}`;
    void htmx.ajax("GET", location.href, { target, select: target, swap: "outerMorph" });
  }
}
