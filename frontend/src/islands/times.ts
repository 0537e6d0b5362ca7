const phone = matchMedia("(width < 48rem)");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** On a phone the times stand below the month: choosing a day brings them into view. A chosen zone closes its list. */
export function scrollToTimes(): void {
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (!(target instanceof Element)) {
      return;
    }
    if (target.closest("[data-zone-row]")) {
      document.getElementById("zone-popover")?.hidePopover();
    }
    if (phone.matches && target.closest("[data-shows-times]")) {
      document.addEventListener("htmx:after:swap", () => requestAnimationFrame(show), { once: true });
    }
  });
}

function show(): void {
  document.getElementById("times")?.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth", block: "start" });
}
