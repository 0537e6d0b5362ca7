"""What people type about payments by hand."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from greenroom.core.currencies import is_sold_in
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money
from greenroom.integrations.manual.models import MOST_HOURS, ManualPayment
from greenroom.integrations.manual.proofs import MOST_BYTES, TYPES, ProofFile, read_proof
from greenroom.web.public.forms import PlainTextField
from greenroom.web.studio.forms import parse_price, price_words, whole_number


class HandInForm(forms.Form):
    proof = forms.FileField(
        label="A picture or PDF that shows it",
        required=False,
        help_text=f"JPEG, PNG, WebP or PDF, up to {MOST_BYTES // 1_000_000} MB. Only who checks it sees it.",
        widget=forms.FileInput(attrs={"accept": ",".join(TYPES.values())}),
    )
    note = PlainTextField(
        label="A note",
        required=False,
        max_length=500,
        help_text="For example the name on the account.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def clean_proof(self) -> ProofFile | None:
        file: UploadedFile[Any] | None = self.cleaned_data["proof"]
        if file is None:
            return None
        try:
            return read_proof(file.read(MOST_BYTES + 1))  # what is longer is refused without being read
        except InvalidInputError as error:
            raise forms.ValidationError(error.message) from None


class ApproveForm(forms.Form):
    """What arrived; in another currency than was agreed that currency is written, too."""

    amount = PlainTextField(label="What arrived", max_length=14)
    currency = PlainTextField(label="Currency", max_length=3)

    def __init__(self, posted: Any, *, payment: ManualPayment) -> None:
        super().__init__(posted, initial={"amount": price_words(payment.amount), "currency": payment.currency})

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if not is_sold_in(currency):
            raise forms.ValidationError("Write a currency such as EUR.")
        return currency

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        if "amount" in said and "currency" in said:
            try:
                said["received"] = Money(parse_price(said["amount"], said["currency"]), said["currency"])
            except forms.ValidationError as error:
                self.add_error("amount", error)
        return said


class RefuseForm(forms.Form):
    reason = PlainTextField(label="What the payer reads", max_length=300, required=False)


class CannotSendForm(forms.Form):
    problem = PlainTextField(label="Why it cannot be sent", max_length=300, error_messages={"required": "Say why."})


class MethodForm(forms.Form):
    title = PlainTextField(label="Name", max_length=60, help_text="As buyers choose it, such as “Bank transfer”.")
    instructions = PlainTextField(
        label="How to pay",
        max_length=2000,
        help_text="Account, name, and what else is needed. Amount and reference are added for each order.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    hours_to_pay = whole_number(
        "Hours to pay", 1, MOST_HOURS, help_text="For so long the time is kept, at the latest until the session starts."
    )
    coach_approves = forms.BooleanField(label="The coach may say that it arrived, and send refunds", required=False)
    is_active = forms.BooleanField(label="Buyers can choose it", required=False)
