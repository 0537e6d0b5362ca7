const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
const FARTHEST = 42;

/**
 * Arrow keys move between the days of the month that have room: left and right to the next one, up and down by weeks;
 * Page Up and Page Down turn the month. Tab goes on working, and pressing a day is still a link.
 */
export function moveInGridByKeys(): void {
  document.addEventListener("keydown", (event) => {
    const day = event.target;
    if (!(day instanceof HTMLAnchorElement) || !day.matches("#booker a.day") || event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    const step = STEPS[event.key];
    const target = step ? nextDay(day, step) : monthLink(event.key);
    if (target) {
      event.preventDefault();
      target.focus();
      if (!step) {
        target.click();
      }
    }
  });
}

function nextDay(day: HTMLElement, step: number): HTMLElement | null {
  const digits = day.id.replace("day-", "");
  const date = new Date(Date.UTC(Number(digits.slice(0, 4)), Number(digits.slice(4, 6)) - 1, Number(digits.slice(6))));
  for (let tried = 0; tried < FARTHEST; tried += 1) {
    date.setUTCDate(date.getUTCDate() + step);
    const found = document.querySelector<HTMLElement>(`a#day-${date.toISOString().slice(0, 10).replaceAll("-", "")}`);
    if (found) {
      return found;
    }
  }
  return null;
}

function monthLink(key: string): HTMLElement | null {
  const id = { PageUp: "previous-month", PageDown: "next-month" }[key];
  return id ? document.querySelector<HTMLElement>(`a#${id}`) : null;
}
