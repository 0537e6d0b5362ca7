from django import forms

from greenroom.web.public.forms import PlainTextField

REASONS = (
    ("time", "The time does not suit me any more"),
    ("ill", "I am ill"),
    ("other", "I do not need the session any more"),
)


class CancelForm(forms.Form):
    reason = forms.ChoiceField(label="Why?", choices=REASONS, required=False, widget=forms.RadioSelect)
    note = PlainTextField(
        label="A note to your coach", required=False, max_length=200, widget=forms.Textarea(attrs={"rows": 2})
    )

    @property
    def words(self) -> str:
        chosen = dict(REASONS).get(self.cleaned_data["reason"], "")
        return ". ".join(part for part in (chosen, self.cleaned_data["note"]) if part)


class MoveForm(forms.Form):
    reason = PlainTextField(
        label="A note to your coach", required=False, max_length=200, widget=forms.Textarea(attrs={"rows": 2})
    )


class AskForm(forms.Form):
    words = PlainTextField(
        label="What to tell your coach",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write why, and when you could."},
    )


class LostLinkForm(forms.Form):
    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": "Write the address you booked with.",
            "invalid": "Write a whole address, such as name@example.org.",
        },
    )
