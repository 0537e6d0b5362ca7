"""What staff type about orders."""

from collections.abc import Sequence
from typing import Any

from django import forms

from greenroom.core.currencies import to_step
from greenroom.core.ids import REF_LENGTH
from greenroom.core.money import Money, total
from greenroom.notifications.display import money as money_words
from greenroom.orders.models import OrderLine
from greenroom.web.public.forms import PlainTextField
from greenroom.web.studio.forms import parse_price, price_words

_MOST_DIGITS = 15
_LINE = "line-{}"


class SearchForm(forms.Form):
    q = PlainTextField(label="Reference, name or address", required=False, max_length=100)


class RefundForm(forms.Form):
    """How much goes back and why; `token` and `seen` (what was left, in minor units) come from the preview."""

    cancels = forms.BooleanField(label="Cancel the booking as well", required=False)
    amount = PlainTextField(label="Amount", max_length=14)
    reason = PlainTextField(
        label="Reason",
        max_length=300,
        help_text="It goes into the audit log. The student does not read it.",
        error_messages={"required": "Say why, for whoever reads the log."},
    )
    token = forms.CharField(required=False, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        *args: Any,
        left: Money,
        lines: Sequence[tuple[OrderLine, Money]] = (),
        can_cancel: bool = False,
        is_confirmed: bool = False,
        **kwargs: Any,
    ) -> None:
        """Ask for one amount, or for one of each of several `lines`, of which so much is left.

        What is confirmed was compared with what is left when it was shown, and is again when it is sent.
        """
        super().__init__(*args, **kwargs)
        self.lines, self._is_confirmed = lines, is_confirmed
        if not can_cancel:
            del self.fields["cancels"]
        self._left = left
        self._lines = {_LINE.format(line.position): (line, rest) for line, rest in lines} if len(lines) > 1 else {}
        if self._lines:
            del self.fields["amount"]
        else:
            self.fields["amount"].help_text = f"In {left.currency}, at most {price_words(left)}."
        for name, (line, rest) in self._lines.items():
            hint = f"In {rest.currency}, at most {price_words(rest)}."
            self.fields[name] = PlainTextField(label=line.title, max_length=14, required=False, help_text=hint)

    @property
    def amount_fields(self) -> list[forms.BoundField]:
        """The fields in which amounts are typed: one, or one for each line."""
        return [self[name] for name in self._lines or ["amount"]]

    def clean(self) -> dict[str, Any]:
        """Add up what is typed for each line."""
        cleaned = {**(super().clean() or {})}
        if self._lines and not self.errors:
            amounts = {name: self._read(name, cleaned[name], rest) for name, (_, rest) in self._lines.items()}
            cleaned["amount"] = total(list(amounts.values()), self._left.currency)
            cleaned["lines"] = [
                (self._lines[name][0].position, one.minor) for name, one in amounts.items() if one.minor
            ]
            if not cleaned["amount"].minor and not cleaned.get("cancels") and not self.errors:
                self.add_error(None, "Write an amount above 0 for one of the lines.")
        return cleaned

    def _read(self, name: str, text: str, rest: Money) -> Money:
        nothing = Money(0, rest.currency)
        try:
            amount = self._checked(text) if text else nothing
        except forms.ValidationError as error:
            self.add_error(name, error)
            return nothing
        if amount.minor > rest.minor and not self._is_confirmed:
            self.add_error(name, f"Only {money_words(rest)} of this is left.")
            return nothing
        return amount

    def clean_amount(self) -> Money:
        amount = self._checked(self.cleaned_data["amount"])
        if not amount.minor and not self.cleaned_data.get("cancels"):
            raise forms.ValidationError("Write an amount above 0.")
        return amount

    def _checked(self, text: str) -> Money:
        amount = Money(parse_price(text, self._left.currency), self._left.currency)
        if amount != to_step(amount):
            raise forms.ValidationError("Cards are given back two decimals only: let the third one be 0.")
        return amount

    def clean_token(self) -> str:
        return str(self.cleaned_data["token"])[:REF_LENGTH]

    def clean_seen(self) -> Money:
        # Nobody types this: what is no number was not in a preview of ours, and never fits what is left.
        text = self.cleaned_data["seen"]
        return Money(int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else -1, self._left.currency)
