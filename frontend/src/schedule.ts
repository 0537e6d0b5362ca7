/** The script of the schedule page alone: no other page pays for the calendar. */
import "./styles/week.css";

import { WeekGrid } from "./week/grid";

const box = document.querySelector<HTMLElement>("[data-week-grid]");
const form = box?.closest("form");
if (box && form) {
  new WeekGrid(box, form);
}
