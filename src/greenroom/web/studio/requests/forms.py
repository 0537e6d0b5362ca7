from django import forms

from greenroom.web.public.forms import PlainTextField

ACCEPT, DECLINE = "accept", "decline"


class AnswerForm(forms.Form):
    """Yes, or no with a reason if the coach wants to give one."""

    answer = forms.ChoiceField(
        choices=[(ACCEPT, "Accept"), (DECLINE, "Decline")],
        error_messages={"required": "Choose yes or no.", "invalid_choice": "Choose yes or no."},
    )
    reason = PlainTextField(
        label="Why not? The student reads it",
        required=False,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
