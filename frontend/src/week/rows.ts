import { type Span, isPossible, overlap, spanOf, without, written } from "./hours";

const MOST_ROWS = 12;

/** The hours of one row of the form; `key` is the row's name in it: "day2-0" is Tuesday's first row. */
export interface Row {
  readonly key: string;
  readonly span: Span;
  /** Switched off: its hours are written down, and open nothing. */
  readonly isOff: boolean;
}

/** The rows of the weekly form, read and written where they stand: what is not written there does not exist. */
export class Rows {
  constructor(private readonly form: HTMLFormElement) {}

  /** The rows that hold hours; half-written and unreadable ones are left to the form. */
  all(): Row[] {
    const rows: Row[] = [];
    for (let day = 1; day <= 7; day += 1) {
      for (let index = 0; index < this.count(day); index += 1) {
        const key = `day${day}-${index}`;
        const span = spanOf(day, this.input(key, "start").value, this.input(key, "end").value);
        if (span) {
          rows.push({ key, span, isOff: this.input(key, "off").checked });
        }
      }
    }
    return rows;
  }

  /** The parts of a span where hours may go: on no other row's, but for those that the row overlaps already. */
  room(span: Span, key?: string): Span[] {
    const rows = this.all();
    const own = rows.find((row) => row.key === key)?.span;
    const others = rows.filter((row) => row.key !== key && !(own && overlap(own, row.span)));
    return without(span, others.map((row) => row.span)).filter(isPossible);
  }

  fits(span: Span, key: string): boolean {
    const [part] = this.room(span, key);
    return part !== undefined && part.end - part.start === span.end - span.start;
  }

  /** Writes hours into a free row of their day; returns its key, or null when the day has no room for a row. */
  add(span: Span): string | null {
    const { day, from, until } = written(span);
    const key = this.freeRow(day);
    if (key) {
      this.set(key, from, until);
    }
    return key;
  }

  /** Writes other hours into a row, or into one of their new day; returns the key, or null when nothing changed. */
  change(key: string, span: Span): string | null {
    const { day, from, until } = written(span);
    if (key.startsWith(`day${day}-`)) {
      this.set(key, from, until);
      return key;
    }
    const moved = this.add(span);
    if (moved) {
      this.input(moved, "off").checked = this.input(key, "off").checked;
      this.clear(key);
    }
    return moved;
  }

  /** Empties a row; empty rows at the end of a day go away, down to one. */
  clear(key: string): void {
    this.set(key, "", "");
    this.input(key, "off").checked = false;
    const day = Number(key.slice("day".length, key.indexOf("-")));
    for (let count = this.count(day); count > 1 && this.isEmpty(`day${day}-${count - 1}`); count -= 1) {
      this.list(day).lastElementChild?.remove();
      this.counter(day).value = String(count - 1);
    }
  }

  focus(key: string): void {
    this.input(key, "start").focus();
  }

  private set(key: string, from: string, until: string): void {
    this.input(key, "start").value = from;
    this.input(key, "end").value = until;
  }

  private freeRow(day: number): string | null {
    const count = this.count(day);
    for (let index = 0; index < count; index += 1) {
      if (this.isEmpty(`day${day}-${index}`)) {
        return `day${day}-${index}`;
      }
    }
    if (count >= MOST_ROWS) {
      return null;
    }
    const last = this.list(day).lastElementChild as HTMLElement;
    this.list(day).append(copyOfRow(last, `day${day}-${count - 1}`, `day${day}-${count}`, count + 1));
    this.counter(day).value = String(count + 1);
    return `day${day}-${count}`;
  }

  private isEmpty(key: string): boolean {
    return !this.input(key, "start").value.trim() && !this.input(key, "end").value.trim();
  }

  private count(day: number): number {
    return this.list(day).childElementCount;
  }

  private list(day: number): HTMLElement {
    return this.form.querySelector(`[data-rows="day${day}"]`) as HTMLElement;
  }

  private counter(day: number): HTMLInputElement {
    return this.form.elements.namedItem(`day${day}-rows`) as HTMLInputElement;
  }

  private input(key: string, name: "start" | "end" | "off"): HTMLInputElement {
    return this.form.elements.namedItem(`${key}-${name}`) as HTMLInputElement;
  }
}

/** The same row once more, empty, under its own name and number. */
function copyOfRow(row: HTMLElement, from: string, to: string, number: number): HTMLElement {
  const copy = row.cloneNode(true) as HTMLElement;
  copy.querySelectorAll(".field-error").forEach((error) => error.remove());
  for (const part of copy.querySelectorAll("[name], [for]")) {
    for (const attribute of ["id", "name", "for", "value"]) {
      const text = part.getAttribute(attribute);
      if (text?.includes(from)) {
        part.setAttribute(attribute, text.replace(from, to));
      }
    }
  }
  for (const input of copy.querySelectorAll("input")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
    if (input.type === "checkbox") {
      input.checked = false;
    } else {
      input.value = "";
    }
  }
  for (const words of copy.querySelectorAll("label.sr-only, span.sr-only")) {
    words.textContent = (words.textContent ?? "").replace(/(, row \d+)?(:|$)/, `, row ${number}$2`);
  }
  return copy;
}
