from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms

from greenroom.catalog.models import OfferDuration
from greenroom.notifications import display
from greenroom.web.studio.forms import DateField, StartField, wall_instant


class ExplainForm(forms.Form):
    """Which offer, and when, on the wall clock of `tz`."""

    what = forms.ChoiceField(label="Offer", error_messages={"invalid_choice": "Choose one from the list."})
    on = DateField(label="Day", error_messages={"required": "Choose a day."})
    at = StartField(label="Start")

    def __init__(self, data: Mapping[str, Any] | None, *, durations: Sequence[OfferDuration], tz: str) -> None:
        super().__init__(data)
        self._durations = {str(duration.pk): duration for duration in durations}
        self._tz = tz
        # `Any`: the checker knows it by the base class of all fields, which has no choices.
        what: Any = self.fields["what"]
        what.choices = [
            (key, f"{duration.offer.title}, {display.duration_short(duration.length)}")
            for key, duration in self._durations.items()
        ]

    def clean_at(self) -> int:
        if self.cleaned_data["at"] is None:
            raise forms.ValidationError("Write a time such as 09:00 or 17:30.")
        return int(self.cleaned_data["at"])

    @property
    def duration(self) -> OfferDuration:
        return self._durations[self.cleaned_data["what"]]

    @property
    def starts_at(self) -> datetime:
        """The instant that was asked for."""
        return wall_instant(self.cleaned_data["on"], self.cleaned_data["at"], self._tz)
