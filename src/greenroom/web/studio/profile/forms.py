from django import forms

from greenroom.coaches.models import Topic
from greenroom.coaches.services import Profile
from greenroom.web.public.forms import PlainTextField
from greenroom.web.studio.forms import ZoneField


class ProfileForm(forms.Form):
    display_name = PlainTextField(
        label="Name",
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Write the name students know you by."},
    )
    headline = PlainTextField(
        label="Headline", required=False, max_length=140, help_text="One sentence: whom you help, and with what."
    )
    bio = PlainTextField(label="About you", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 6}))
    languages = PlainTextField(
        label="Languages", required=False, max_length=120, help_text="Separated by commas: English, Italian"
    )
    topics = forms.ModelMultipleChoiceField(
        Topic.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose topics from the list.", "invalid_pk_value": "Choose from the list."},
    )
    time_zone = ZoneField(
        label="Your time zone", help_text="In which you read times here and in mails. Your hours have their own zone."
    )
    is_accepting_students = forms.BooleanField(label="I take new bookings", required=False)

    @property
    def profile(self) -> Profile:
        """Return what was written, for the service."""
        return Profile(**{**self.cleaned_data, "topics": list(self.cleaned_data["topics"])})
