/**
 * The arithmetic of a week that goes round: minutes after Monday 00:00, and an end that may lie beyond Sunday.
 * What may be written is what `availability.rules` accepts: the server has the last word.
 */
export const DAY = 1440;
export const WEEK = 7 * DAY;
export const STEP = 15;
const NAMES = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const CLOCK = /^(\d{1,2})(?:[:.h]?([0-5]\d))?$/;

/** `start` is in [0, WEEK), `end` after it by at most a day. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Reads a time of day as the form field of the server does, in minutes; null for anything else. */
export function parseClock(text: string): number | null {
  const found = CLOCK.exec(text.trim());
  const minute = found ? Number(found[1]) * 60 + Number(found[2] ?? 0) : DAY + 1;
  return minute <= DAY ? minute : null;
}

/** Places the two times of one row; null unless they are hours that the server would take. */
export function spanOf(day: number, from: string, until: string): Span | null {
  const [start, end] = [parseClock(from), parseClock(until)];
  if (start === null || end === null || start === DAY || start === end) {
    return null;
  }
  const midnight = (day - 1) * DAY;
  return { start: midnight + start, end: midnight + end + (end < start ? DAY : 0) };
}

/** The day (1 is Monday) and the two times of a span, as one writes them into a row. */
export function written(span: Span): { day: number; from: string; until: string } {
  const from = span.start % DAY;
  const until = span.end % DAY || DAY;
  return { day: Math.floor(span.start / DAY) + 1, from: clock(from), until: clock(until) };
}

/** "Tuesday 09:00 to 12:30". */
export function inWords(span: Span): string {
  const { day, from, until } = written(span);
  const last = Math.floor((span.end - 1) / DAY);
  const next = last >= day ? ` on ${NAMES[last % 7]}` : "";
  return `${NAMES[day - 1]} ${from} to ${until}${next}`;
}

/** Puts a span that was moved out of the week back into it. */
export function turned(start: number, end: number): Span {
  const shift = Math.floor(start / WEEK) * WEEK;
  return { start: start - shift, end: end - shift };
}

/** The nearest quarter of an hour. */
export function snapped(minute: number): number {
  return Math.round(minute / STEP) * STEP;
}

/** Neither empty nor longer than a day; a whole day is only 00:00 to 24:00. */
export function isPossible(span: Span): boolean {
  const length = span.end - span.start;
  return length > 0 && (length < DAY || (length === DAY && span.start % DAY === 0));
}

export function overlap(one: Span, other: Span): boolean {
  return [-WEEK, 0, WEEK].some((turn) => one.start < other.end + turn && other.start + turn < one.end);
}

/** The parts of a span on which no other lies, in order. */
export function without(span: Span, others: readonly Span[]): Span[] {
  const turns = others.flatMap(({ start, end }) => [-WEEK, 0, WEEK].map((turn) => ({ start: start + turn, end: end + turn })));
  const inTheWay = turns.filter(({ start, end }) => start < span.end && span.start < end).sort((one, other) => one.start - other.start);
  const parts: Span[] = [];
  let from = span.start;
  for (const { start, end } of [...inTheWay, { start: span.end, end: span.end }]) {
    if (start > from) {
      parts.push(turned(from, start));
    }
    from = Math.max(from, end);
  }
  return parts;
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
