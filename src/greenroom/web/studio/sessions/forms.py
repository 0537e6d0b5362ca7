from django import forms

from greenroom.bookings.types import Party
from greenroom.web.public.forms import PlainTextField

_PARTIES = (
    (Party.STUDENT.value, "The student did not come"),
    (Party.COACH.value, "I did not come: the student gets everything back"),
    (Party.BOTH.value, "Neither of us came"),
)


class CancelForm(forms.Form):
    reason = PlainTextField(
        label="A word to the student",
        required=False,
        max_length=300,
        help_text="Stands in the mail that tells them.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class NoShowForm(forms.Form):
    party = forms.ChoiceField(
        label="Who did not come?",
        choices=_PARTIES,
        widget=forms.RadioSelect,
        error_messages={"required": "Say who did not come.", "invalid_choice": "Choose one of the three."},
    )
