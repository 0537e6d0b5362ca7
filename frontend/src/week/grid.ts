import { type Calendar, Interaction, TimeGrid, createCalendar } from "@event-calendar/core";

import { DAY, STEP, type Span, WEEK, inWords, overlap, snapped, turned } from "./hours";
import { type Row, Rows } from "./rows";

// Any week without a change of clocks, in any zone, will do: the blocks are times of day, not instants.
const MONDAY = [2024, 0, 1] as const;
const MOVES: Record<string, number> = { ArrowUp: -STEP, ArrowDown: STEP, ArrowLeft: -DAY, ArrowRight: DAY };

type Hours = Pick<Calendar.Event, "start" | "end">;

/**
 * `<div data-week-grid>` inside the weekly form becomes a grid in which its hours are drawn, moved and removed. Each
 * gesture writes into the rows of the form and the grid is drawn again from them, so saving, undoing and whatever
 * else the form can do knows nothing of the grid.
 */
export class WeekGrid {
  private readonly rows: Rows;
  private readonly said: HTMLElement | null;
  private readonly calendar: Calendar;
  /** The row whose block gets the focus when it is drawn. */
  private focused: string | null = null;

  constructor(private readonly box: HTMLElement, private readonly form: HTMLFormElement) {
    this.rows = new Rows(form);
    this.said = box.querySelector("[role=status]");
    const place = box.querySelector<HTMLElement>("[data-week-place]") ?? box;
    const scrollTime = { minutes: morningOf(this.rows.all()) };
    this.calendar = createCalendar(place, [TimeGrid, Interaction], { ...APPEARANCE, scrollTime, ...this.gestures() });
    forgetTable(place);
    box.addEventListener("keydown", (event) => this.press(event));
    box.addEventListener("dblclick", (event) => this.toRow(blockAt(event.target)));
    form.addEventListener("input", () => this.draw());
    this.draw();
  }

  private gestures(): Calendar.Options {
    return {
      select: (info) => {
        this.calendar.unselect();
        this.add(this.rows.room(spanOf(info)).sort((one, other) => lengthOf(other) - lengthOf(one))[0]);
      },
      eventDrop: ({ event }) => {
        const [key, span] = [rowKey(event), spanOf(event)];
        this.change(key, this.rows.fits(span, key) ? span : undefined);
      },
      eventResize: ({ event, oldEvent }) => {
        const [key, before] = [rowKey(event), spanOf(oldEvent)];
        this.change(key, this.rows.room(spanOf(event), key).find((part) => overlap(part, before)));
      },
      eventContent: ({ event }) => ({ domNodes: this.inside(event) }),
      eventDidMount: ({ el, event }) => this.label(el, event),
    };
  }

  private draw(): void {
    const rows = this.rows.all();
    const events = rows.map((row) => eventOf(row));
    // What reaches from Sunday into Monday is seen on Monday too.
    const again = rows.filter(({ span }) => span.end > WEEK).map((row) => eventOf(row, -WEEK));
    this.calendar.setOption("events", [...events, ...again]);
  }

  private add(span: Span | undefined): void {
    const key = span ? this.rows.add(span) : null;
    this.changed(key, span && key ? `Added: ${inWords(span)}` : span ? FULL : NO_ROOM);
  }

  private change(key: string, span: Span | undefined): void {
    const changed = span ? this.rows.change(key, span) : null;
    this.changed(changed ?? key, span && changed ? inWords(span) : span ? FULL : NO_ROOM);
  }

  private remove(key: string): void {
    const rows = this.rows.all();
    const place = rows.findIndex((row) => row.key === key);
    const row = rows[place];
    if (!row) {
      return;
    }
    const neighbour = rows[place + 1] ?? rows[place - 1];
    this.rows.clear(key);
    if (!neighbour) {
      this.box.querySelector<HTMLElement>(".ec-main")?.focus();
    }
    this.changed(neighbour?.key ?? null, `Removed: ${inWords(row.span)}`);
  }

  /** Tells the form, and with it whoever listens to it, what a gesture wrote there. */
  private changed(key: string | null, words: string): void {
    this.focused = key;
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
    if (this.said) {
      this.said.textContent = words;
    }
  }

  private press(event: KeyboardEvent): void {
    const key = blockAt(event.target)?.dataset.row;
    if (!key || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const step = MOVES[event.key];
    if (event.key === "Enter") {
      this.toRow(blockAt(event.target));
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.remove(key);
    } else if (step && event.shiftKey && Math.abs(step) === STEP) {
      this.stretch(key, step);
    } else if (step && !event.shiftKey) {
      this.push(key, step);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Moves hours in steps until they fit, and so over other hours that are in the way. */
  private push(key: string, step: number): void {
    const span = this.spanOfRow(key);
    for (let far = step; span && Math.abs(far) < WEEK; far += step) {
      const next = turned(snapped(span.start + far), snapped(span.end + far));
      if (this.rows.fits(next, key)) {
        this.change(key, next);
        return;
      }
    }
    this.change(key, undefined);
  }

  private stretch(key: string, step: number): void {
    const span = this.spanOfRow(key);
    const next = span && { start: span.start, end: snapped(span.end + step) };
    this.change(key, next && this.rows.fits(next, key) ? next : undefined);
  }

  private spanOfRow(key: string): Span | undefined {
    return this.rows.all().find((row) => row.key === key)?.span;
  }

  private toRow(block: HTMLElement | null): void {
    if (block?.dataset.row) {
      this.rows.focus(block.dataset.row);
    }
  }

  /** What stands in a block: its times, and a cross for those who point at things. */
  private inside(event: Calendar.Event): Node[] {
    const times = document.createElement("span");
    times.className = "week-times";
    const words = inWords(spanOf(event)).split(" ");
    times.textContent = `${words[1]}–${words[3]}`;
    if (event.display !== "auto" || isRest(event)) {
      return [times];
    }
    const cross = document.createElement("button");
    Object.assign(cross, { type: "button", className: "week-remove", tabIndex: -1, title: "Remove" });
    cross.setAttribute("aria-label", `Remove ${inWords(spanOf(event))}`);
    cross.addEventListener("pointerdown", (pressed) => pressed.stopPropagation());
    cross.addEventListener("click", () => this.remove(rowKey(event)));
    return [times, cross];
  }

  private label(block: HTMLElement, event: Calendar.Event): void {
    if (event.display !== "auto") {
      return;
    }
    block.dataset.row = rowKey(event);
    // Hours over midnight are two blocks: one is enough for whoever can't see them.
    if (isRest(event) || block.classList.contains("ec-start-clipped")) {
      block.setAttribute("aria-hidden", "true");
      return;
    }
    block.tabIndex = 0;
    // A screen reader then hands the arrow keys on to us.
    block.setAttribute("role", "application");
    block.setAttribute("aria-roledescription", "hours");
    block.setAttribute("aria-label", nameOf(event));
    block.setAttribute("aria-describedby", "week-keys");
    if (this.focused === rowKey(event)) {
      this.focused = null;
      block.focus();
    }
  }
}

const FULL = "This day has as many hours as it can hold. Remove some first.";
const NO_ROOM = "That does not fit: other hours are in the way, or it is longer than a day.";
const REST = "~";
const OFF = "week-off";

const APPEARANCE: Calendar.Options = {
  view: "timeGridWeek",
  date: new Date(...MONDAY),
  firstDay: 1,
  locale: "en-GB",
  height: "100%",
  headerToolbar: { start: "", center: "", end: "" },
  dayHeaderFormat: { weekday: "short" },
  allDaySlot: false,
  slotDuration: "01:00",
  snapDuration: "00:15",
  slotHeight: 40,
  slotLabelFormat: { hour: "2-digit", minute: "2-digit" },
  slotEventOverlap: false,
  editable: true,
  eventResizableFromStart: true,
  selectable: true,
  // A finger scrolls the page; one that rests for a moment draws.
  longPressDelay: 400,
};

/** Where the grid is first scrolled to: an hour before the earliest hours. */
function morningOf(rows: Row[]): number {
  const starts = rows.map(({ span }) => span.start % DAY);
  return Math.max(0, Math.min(...starts, 9 * 60) - 60);
}

function eventOf({ key, span, isOff }: Row, turn = 0): Calendar.EventInput {
  const classNames = isOff ? [OFF] : [];
  return { id: turn ? `${key}${REST}` : key, start: dateOf(span.start + turn), end: dateOf(span.end + turn), classNames };
}

/** "Tuesday 09:00 to 12:30", and whether these hours are switched off. */
function nameOf(event: Calendar.Event): string {
  return `${inWords(spanOf(event))}${event.classNames.includes(OFF) ? ", switched off" : ""}`;
}

function rowKey(event: Calendar.Event): string {
  return String(event.id).replace(REST, "");
}

function isRest(event: Calendar.Event): boolean {
  return String(event.id).endsWith(REST);
}

function dateOf(minute: number): Date {
  const [year, month, day] = MONDAY;
  return new Date(year, month, day, 0, minute);
}

function minuteOf(date: Date): number {
  const wall = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes());
  return (wall - Date.UTC(...MONDAY)) / 60_000;
}

function spanOf({ start, end }: Hours): Span {
  return turned(minuteOf(start), minuteOf(end));
}

function lengthOf({ start, end }: Span): number {
  return end - start;
}

function blockAt(target: EventTarget | null): HTMLElement | null {
  return target instanceof HTMLElement && target.matches("[data-row], [data-row] .week-times")
    ? target.closest<HTMLElement>("[data-row]")
    : null;
}

/** The grid calls itself a table, of cells that are all empty: what can be read are the blocks, which say their day. */
function forgetTable(place: HTMLElement): void {
  for (const part of place.querySelectorAll("[role]")) {
    part.removeAttribute("role");
  }
  place.querySelector(".ec-header")?.setAttribute("aria-hidden", "true");
  const main = place.querySelector<HTMLElement>(".ec-main");
  main?.setAttribute("aria-label", "The hours of the week, drawn");
  if (main) {
    main.tabIndex = 0;
  }
}
