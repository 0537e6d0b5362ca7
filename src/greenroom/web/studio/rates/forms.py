from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from greenroom.catalog.models import Rate
from greenroom.catalog.services import RateTerms
from greenroom.coaches.models import Topic
from greenroom.web.public.forms import PlainTextField
from greenroom.web.studio.forms import parse_price, price_words
from greenroom.web.studio.offers import choices

_EUR = "EUR"
_LONGEST = 14
_HOURLY = "hourly"


class RatesForm(forms.Form):
    """What an hour costs: in general, and for each topic in a field `topic-ID`. Empty is no rate."""

    currency = forms.ChoiceField(
        label="Currency", error_messages={"required": "Choose one.", "invalid_choice": "Choose one from the list."}
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, topics: Sequence[Topic], rates: Sequence[Rate]
    ) -> None:
        super().__init__(data)
        self._topics = {f"topic-{topic.pk}": topic for topic in topics}
        self.fields[_HOURLY] = _rate_field("An hour", "For whatever has no rate of its own.")
        for name, topic in self._topics.items():
            self.fields[name] = _rate_field(topic.name, "")
        # `Any`: the checker knows it by the base class of all fields, which has no choices.
        currency: Any = self.fields["currency"]
        currency.choices = choices.currencies(rates[0].currency if rates else _EUR)
        self.initial = {"currency": rates[0].currency if rates else _EUR} | {
            f"topic-{rate.topic_id}" if rate.topic_id else _HOURLY: price_words(rate.per_hour) for rate in rates
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        currency = cleaned.get("currency", _EUR)
        found = []
        for name, topic in {_HOURLY: None, **self._topics}.items():
            if not cleaned.get(name):
                continue
            try:
                found.append(RateTerms(parse_price(cleaned[name], currency), topic.pk if topic else None))
            except forms.ValidationError as error:
                self.add_error(name, error)
        return cleaned | {"rates": found}

    @property
    def topic_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self._topics]


def _rate_field(label: str, help_text: str) -> PlainTextField:
    attributes = {"class": "input", "inputmode": "decimal", "autocomplete": "off"}
    widget = forms.TextInput(attrs=attributes)
    return PlainTextField(label=label, required=False, max_length=_LONGEST, help_text=help_text, widget=widget)
