from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms

from greenroom.bookings.services import LONGEST_NOTE, MOST_TIMES
from greenroom.bookings.types import ManualPayment, NoShowPreview, Party
from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.models import OfferDuration
from greenroom.catalog.queries import price_of
from greenroom.catalog.types import MAX_PRICE_MINOR
from greenroom.core.errors import InvalidInputError
from greenroom.notifications import display
from greenroom.web import presenters
from greenroom.web.public.forms import PlainTextField
from greenroom.web.studio.forms import DateField, StartField, parse_price, wall_instant
from greenroom.web.studio.rows import Row, RowGroup, RowsForm, blame


class CancelForm(forms.Form):
    reason = PlainTextField(
        label="A word to the student",
        required=False,
        max_length=300,
        help_text="Stands in the mail that tells them.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class NoShowForm(forms.Form):
    """Who did not come; each answer says what it does to the money."""

    party = forms.ChoiceField(
        label="Who did not come?",
        widget=forms.RadioSelect,
        error_messages={"required": "Say who did not come.", "invalid_choice": "Choose one of the three."},
    )

    def __init__(self, data: Mapping[str, Any] | None, *, preview: NoShowPreview) -> None:
        super().__init__(data)
        back = _back_words(preview)
        stays = "nothing goes back"
        if preview.already_back.minor:
            stays = f"the {display.money(preview.already_back)} that went back stays back"
        # `Any`: the checker knows it by the base class of all fields, which has no choices.
        party: Any = self.fields["party"]
        party.choices = [
            (Party.STUDENT.value, f"The student did not come: {stays}"),
            (Party.COACH.value, f"I did not come: {back}"),
            (Party.BOTH.value, f"Neither of us came: {back}"),
        ]


def _back_words(preview: NoShowPreview) -> str:
    """Say what goes back when the coach did not come."""
    if not preview.back.minor:
        already = f"{display.money(preview.already_back)} went back already" if preview.already_back.minor else ""
        return already or "nothing was paid, so nothing goes back"
    whom = f"to {preview.people} students" if preview.people > 1 else "to the student"
    when = ", once their bank has decided about the payment" if preview.waits_for_bank else ""
    return f"{display.money(preview.back)} goes back {whom}{when}"


def _time_fields(index: int) -> dict[str, forms.Field]:
    number = index + 1
    return {
        "on": DateField(label=f"Day of time {number}", required=False),
        "at": StartField(label=f"Start of time {number}"),
    }


class ProposeForm(RowsForm):
    """Up to three other starts on the wall clock of `tz`; an empty row says nothing."""

    groups = (RowGroup("times", _time_fields, most=MOST_TIMES, at_least=MOST_TIMES),)

    note = PlainTextField(
        label="A word to the student",
        required=False,
        max_length=LONGEST_NOTE,
        help_text="Stands in the mail that asks them.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: Mapping[str, Any] | None, *, suggested: Sequence[datetime], tz: str) -> None:
        local = [display.local(start, tz) for start in suggested]
        rows = [{"on": start.date(), "at": start.hour * 60 + start.minute} for start in local]
        super().__init__(data, rows={"times": rows})
        self._tz = tz

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._indexes: list[int] = []
        times = []
        for index, row in self.cleaned_rows("times"):
            missing = [name for name in ("on", "at") if row.get(name) is None]
            if self.has_row_error("times", index) or len(missing) == len(row):
                continue
            if missing:
                self.add_error(f"times-{index}-{missing[0]}", "Write both, a day and a start, or clear the row.")
                continue
            self._indexes.append(index)
            times.append(wall_instant(row["on"], row["at"], self._tz))
        return cleaned | {"times": times}

    @property
    def time_rows(self) -> list[Row]:
        return self.rows("times")

    def blame(self, error: InvalidInputError) -> None:
        """Put a service's refusal at its row; the service counts without the empty ones."""
        number = (error.field or "").partition(".")[2]
        index = self._indexes[int(number)] if number.isdecimal() and int(number) < len(self._indexes) else 0
        blame(self, error, field=f"times-{index}-on")


_PAYMENTS = (
    (ManualPayment.LINK.value, "By a link: confirmed once it is paid"),
    (ManualPayment.FREE.value, "Free: confirmed at once"),
    (ManualPayment.ELSEWHERE.value, "Paid elsewhere, such as in cash: confirmed at once"),
)
_PAY_WITHIN = ((2, "2 hours"), (24, "1 day"), (48, "2 days"), (168, "a week"), (720, "30 days"))


class ManualForm(forms.Form):
    """A booking for a client, on the wall clock of `tz`. An overlap is asked about once it was found."""

    what = forms.ChoiceField(label="Offer", error_messages={"invalid_choice": "Choose one from the list."})
    on = DateField(label="Day", error_messages={"required": "Choose a day."})
    at = StartField(label="Start")
    name = PlainTextField(label="Name", max_length=100, error_messages={"required": "Write the client's name."})
    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        error_messages={
            "required": "Write the client's address.",
            "invalid": "Write an address such as ann@example.org.",
        },
    )
    payment = forms.ChoiceField(
        label="Payment",
        choices=_PAYMENTS,
        initial=ManualPayment.LINK.value,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one.", "invalid_choice": "Choose one of the three."},
    )
    price = PlainTextField(label="Price", required=False, max_length=14, help_text="Empty: the price of the offer.")
    pay_within = forms.TypedChoiceField(
        label="The time is kept for",
        choices=_PAY_WITHIN,
        coerce=int,
        initial=48,
        error_messages={"invalid_choice": "Choose one from the list.", "required": "Choose one from the list."},
    )
    overlap_reason = PlainTextField(
        label="Book it all the same, because",
        required=False,
        max_length=LONGEST_NOTE,
        help_text="Two sessions at once need a reason; it stays in the log.",
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        durations: Sequence[OfferDuration],
        tz: str,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self._durations = {str(duration.pk): duration for duration in durations}
        self._tz = tz
        # `Any`: the checker knows it by the base class of all fields, which has no choices.
        what: Any = self.fields["what"]
        what.choices = [
            (key, f"{one.offer.title}, {display.duration_short(one.length)}, {presenters.price_words(one.offer, one)}")
            for key, one in self._durations.items()
        ]

    def clean_at(self) -> int:
        if self.cleaned_data["at"] is None:
            raise forms.ValidationError("Write a time such as 09:00 or 17:30.")
        return int(self.cleaned_data["at"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        duration = self._durations.get(cleaned.get("what", ""))
        if duration is None:
            return cleaned
        price_minor = 0
        try:
            price_minor = self._price_minor(cleaned.get("price", ""), duration)
        except forms.ValidationError as error:
            self.add_error("price", error)
        return cleaned | {"duration": duration, "price_minor": price_minor}

    def _price_minor(self, text: str, duration: OfferDuration) -> int:
        if not text and self.cleaned_data.get("payment") != ManualPayment.LINK:
            return 0
        if not text:
            try:
                return price_of(duration.offer, duration).amount.minor
            except NoPriceError:
                raise forms.ValidationError("The offer has no price yet: write what the client pays.") from None
        price_minor = parse_price(text, duration.offer.currency)
        if price_minor > MAX_PRICE_MINOR:
            raise forms.ValidationError("This is more than a card can be charged.")
        return price_minor

    @property
    def starts_at(self) -> datetime:
        return wall_instant(self.cleaned_data["on"], self.cleaned_data["at"], self._tz)

    @property
    def kept_for(self) -> timedelta:
        return timedelta(hours=self.cleaned_data["pay_within"])

    def blame(self, error: InvalidInputError) -> None:
        """Put a service's refusal at its field."""
        blame(self, error, field={"starts_at": "at"}.get(error.field or "", error.field or ""))
