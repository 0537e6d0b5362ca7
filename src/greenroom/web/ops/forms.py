"""What staff type about orders."""

from typing import Any

from django import forms

from greenroom.core.currencies import to_step
from greenroom.core.ids import REF_LENGTH
from greenroom.core.money import Money
from greenroom.web.public.forms import PlainTextField
from greenroom.web.studio.forms import parse_price, price_words

_MOST_DIGITS = 15


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
    )
    token = forms.CharField(required=False, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, left: Money, can_cancel: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not can_cancel:
            del self.fields["cancels"]
        self._left = left
        self.fields["amount"].help_text = f"In {left.currency}, at most {price_words(left)}."

    def clean_amount(self) -> Money:
        amount = Money(parse_price(self.cleaned_data["amount"], self._left.currency), self._left.currency)
        if not amount.minor and self.cleaned_data.get("cancels"):
            return amount
        if amount.minor <= 0:
            raise forms.ValidationError("Write an amount above 0.")
        if amount != to_step(amount):
            raise forms.ValidationError("Cards are given back two decimals only: let the third one be 0.")
        return amount

    def clean_token(self) -> str:
        return str(self.cleaned_data["token"])[:REF_LENGTH]

    def clean_seen(self) -> Money:
        # Nobody types this: what is no number was not in a preview of ours, and never fits what is left.
        text = self.cleaned_data["seen"]
        return Money(int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else -1, self._left.currency)
