from functools import partial
from typing import Any

from django import forms
from django.http import QueryDict

from greenroom.availability import rules
from greenroom.availability.engine import Window
from greenroom.availability.models import MINUTES_PER_DAY
from greenroom.availability.rules import Span
from greenroom.availability.types import LocalDays
from greenroom.core.errors import InvalidInputError
from greenroom.web.public.forms import PlainTextField
from greenroom.web.studio.forms import ClockField, DateField, ZoneField
from greenroom.web.studio.rows import Row, RowGroup, RowsForm, blame, row_count

_WEEK = range(1, 8)
_WORKDAYS = range(1, 6)
# J02: what coaches most often mean by these words; only put into the form, to be changed before it is saved.
PRESETS: dict[str, Span] = {
    "mornings": (9 * 60, 12 * 60),
    "afternoons": (13 * 60, 17 * 60),
    "evenings": (18 * 60, 21 * 60),
}
_DATE_ROWS = 4
_DAY_CHOICES = [(str(weekday), rules.day_name(weekday)) for weekday in _WEEK]
CLOSED = "closed"
HOURS = "hours"


def _clock_fields(day: str, index: int) -> dict[str, forms.Field]:
    where = f"{day}, row {index + 1}" if index else day
    return {"start": ClockField(label=f"{where}: from"), "end": ClockField(label=f"{where}: until")}


def _week_fields(day: str, index: int) -> dict[str, forms.Field]:
    """Return the fields of hours that can be switched off: nothing is sent for those that count."""
    where = f"{day}, row {index + 1}" if index else day
    return _clock_fields(day, index) | {"off": _switch(f"{where}: switched off")}


def _switch(label: str) -> forms.Field:
    return forms.BooleanField(label=label, required=False, widget=forms.CheckboxInput({"class": "sr-only"}))


def _day_group(weekday: int) -> RowGroup:
    return RowGroup(f"day{weekday}", partial(_week_fields, rules.day_name(weekday)), most=rules.MOST_WINDOWS_A_DAY)


class SpanRowsForm(RowsForm):
    """A form whose rows are hours: each needs both times, and an empty row says nothing."""

    def spans(self, group: str) -> list[tuple[int, Span]]:
        """Return the row and its hours; a row that says only half is refused at the missing half."""
        found = []
        for index, values in self.cleaned_rows(group):
            start, end = values.get("start"), values.get("end")
            if start is None and end is None:
                continue
            if self.has_row_error(group, index):
                continue
            if start is None or end is None:
                missing, words = ("start", "begins") if start is None else ("end", "ends")
                self.add_error(f"{group}-{index}-{missing}", f"Write when it {words}, or clear the row.")
            elif start == MINUTES_PER_DAY:
                self.add_error(f"{group}-{index}-start", "Use 00:00 for the beginning of a day.")
            else:
                found.append((index, (start, end)))
        return found


class WeekForm(SpanRowsForm):
    """All weekly windows and the zone in which they are read."""

    groups = tuple(_day_group(weekday) for weekday in _WEEK)

    tz = ZoneField(label="Time zone of these hours", help_text="When clocks change there, your hours follow.")
    version = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)
    copy_from = forms.ChoiceField(label="Copy", choices=_DAY_CHOICES, initial="1", required=False)
    copy_to = forms.MultipleChoiceField(
        label="to",
        choices=_DAY_CHOICES,
        initial=["2", "3", "4", "5"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        windows = []
        for weekday in _WEEK:
            for index, span in self.spans(f"day{weekday}"):
                is_active = not cleaned.get(f"day{weekday}-{index}-off")
                try:
                    windows.append(rules.checked_window(weekday, *span, is_active=is_active))
                except InvalidInputError as error:
                    blame(self, error, field=f"day{weekday}-{index}-end")
        if not self.errors:
            self._check_week(windows)
        return cleaned | {"windows": windows}

    def _check_week(self, windows: list[Window]) -> None:
        try:
            rules.check_week(windows)
        except InvalidInputError as error:
            weekday = (error.field or "").rpartition(".")[2]
            blame(self, error, field=f"day{weekday}-0-start")

    @property
    def days(self) -> list[tuple[str, str, list[Row]]]:
        """Return each weekday's group, name and rows."""
        return [(f"day{weekday}", rules.day_name(weekday), self.rows(f"day{weekday}")) for weekday in _WEEK]


def prepared(data: QueryDict) -> QueryDict | None:
    """Return what was sent with a day copied or a preset put in, if a button asked for that; else None."""
    if "copy" in data:
        return _with_day_copied(data)
    span = PRESETS.get(data.get("preset", ""))
    return _with_preset(data, span) if span else None


def _with_day_copied(data: QueryDict) -> QueryDict:
    changed = data.copy()
    source = data.get("copy_from", "")
    targets = {str(day) for day in _WEEK} & set(data.getlist("copy_to")) - {source}
    for target in targets if source in {str(day) for day in _WEEK} else ():
        changed[f"day{target}-rows"] = data.get(f"day{source}-rows", "1")
        for index in range(rules.MOST_WINDOWS_A_DAY):
            for name in ("start", "end", "off"):
                changed[f"day{target}-{index}-{name}"] = data.get(f"day{source}-{index}-{name}", "")
    return changed


def _with_preset(data: QueryDict, span: Span) -> QueryDict:
    """Put hours into each workday: joined with the rows they touch, else into the first empty row or a new one.

    The row counts then, also if it was switched off. Rows that are no times, or lie over midnight, are left as they
    are; saving says what is wrong with them.
    """
    changed = data.copy()
    for weekday in _WORKDAYS:
        group = _day_group(weekday)
        count = row_count(data, group)
        rows = [_read_row(data, f"{group.name}-{index}") for index in range(count)]
        touched = [index for index, row in enumerate(rows) if row and row[0] <= span[1] and span[0] <= row[1]]
        place = touched[0] if touched else next((index for index, row in enumerate(rows) if row == ()), count)
        if place >= group.most:
            continue
        joined = [row for index in touched if (row := rows[index])]
        hours = min([span[0], *(row[0] for row in joined)]), max([span[1], *(row[1] for row in joined)])
        changed[f"{group.name}-rows"] = str(max(count, place + 1))
        for index in touched[1:]:
            changed[f"{group.name}-{index}-start"] = changed[f"{group.name}-{index}-end"] = ""
        for index in [place, *touched]:
            changed[f"{group.name}-{index}-off"] = ""
        changed[f"{group.name}-{place}-start"], changed[f"{group.name}-{place}-end"] = map(rules.clock_words, hours)
    return changed


def _read_row(data: QueryDict, row: str) -> tuple[int, ...] | None:
    """Return the hours of a row, () for an empty one, and None for what is no time or ends on the next day."""
    try:
        start, end = (ClockField().clean(data.get(f"{row}-{name}", "")) for name in ("start", "end"))
    except forms.ValidationError:
        return None
    if start is None and end is None:
        return ()
    return (start, end) if start is not None and end is not None and start < end else None


class NameForm(forms.Form):
    """What some hours are called; only their coach reads it."""

    name = PlainTextField(label="Name", max_length=60, error_messages={"required": "Write a name."})


class OverrideForm(SpanRowsForm):
    """One date that is closed or has other hours."""

    groups = (RowGroup("hours", partial(_clock_fields, "That day"), most=_DATE_ROWS, at_least=2),)

    on = DateField(label="Day", error_messages={"required": "Choose a day."})
    kind = forms.ChoiceField(
        label="On this day",
        choices=[(CLOSED, "I am closed"), (HOURS, "I have other hours")],
        widget=forms.RadioSelect,
        initial=CLOSED,
        error_messages={"required": "Say what is different.", "invalid_choice": "Choose one of the two."},
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("kind") != HOURS:
            return cleaned | {"spans": []}
        spans = [span for _index, span in self.spans("hours")]
        if not spans and not self.errors:
            self.add_error("hours-0-start", "Write the hours of that day, or choose closed.")
        if not self.errors:
            self._check_date(spans)
        return cleaned | {"spans": spans}

    @property
    def hour_rows(self) -> list[Row]:
        return self.rows("hours")

    def _check_date(self, spans: list[Span]) -> None:
        try:
            rules.check_date(spans)
        except InvalidInputError as error:
            blame(self, error, field="hours-0-start")


class StayForm(forms.Form):
    """Some days in a row that the coach spends on another clock."""

    first_day = DateField(label="From", error_messages={"required": "Choose the first day."})
    last_day = DateField(label="To", error_messages={"required": "Choose the last day."})
    tz = ZoneField(label="My hours are on the clock of", is_blank=True)

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="stay_%s")


class BlackoutForm(forms.Form):
    """Some days in a row on which nothing can be booked."""

    first = DateField(label="First day", error_messages={"required": "Choose the first day."})
    last = DateField(label="Last day", required=False, help_text="Empty: one day only.")
    reason = PlainTextField(label="Reason", required=False, max_length=140, help_text="Only you read this.")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = cleaned.get("first"), cleaned.get("last") or cleaned.get("first")
        if first is None or last is None or self.errors:
            return cleaned
        if last < first:
            self.add_error("last", "The last day is before the first one.")
        return cleaned | {"days": LocalDays(first, last)}
