from collections.abc import Sequence
from typing import Any

from django import forms

from greenroom.catalog.models import IntakeQuestion
from greenroom.catalog.types import QuestionKind
from greenroom.coaches.models import Topic
from greenroom.core.text import PLAIN_TEXT
from greenroom.directory.types import Search

_QUESTION_PREFIX = "question_"


class PlainTextField(forms.RegexField):
    """Text without control characters, which neither a mail nor a calendar could carry."""

    def __init__(self, **kwargs: Any) -> None:
        words = kwargs.setdefault("error_messages", {})
        words["invalid"] = "Use plain text, without control characters."
        words.setdefault("required", "Fill this in.")
        super().__init__(PLAIN_TEXT, **kwargs)


class DirectoryForm(forms.Form):
    q = PlainTextField(label="Name or words", required=False, max_length=80)
    topic = forms.ModelChoiceField(
        Topic.objects.all(), to_field_name="slug", required=False, empty_label="Any topic", label="Topic"
    )
    max_price = forms.IntegerField(
        label="Price up to, in the coach's currency", required=False, min_value=0, max_value=100_000
    )

    @property
    def search(self) -> Search:
        wanted = self.cleaned_data
        return Search(
            words=wanted["q"], topic=wanted["topic"].slug if wanted["topic"] else "", max_price=wanted["max_price"]
        )


class BuyerForm(forms.Form):
    """Who books or buys."""

    name = PlainTextField(
        label="Name",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": "Tell us your name."},
    )
    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": "We need your address to send you the link to it.",
            "invalid": "Write a whole address, such as name@example.org.",
        },
    )


class DetailsForm(BuyerForm):
    """Who books, and what for; the offer's own questions stand between, as `question_<key>`."""

    goals = PlainTextField(
        label="What should the session be about?",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    notes = PlainTextField(
        label="Anything else", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    wants_reminders = forms.BooleanField(
        label="Remind me by email a day before and an hour before", required=False, initial=True
    )

    def __init__(self, questions: list[IntakeQuestion], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in questions:
            self.fields[f"{_QUESTION_PREFIX}{question.key}"] = _question_field(question)

    @property
    def question_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith(_QUESTION_PREFIX)]

    @property
    def answers(self) -> dict[str, str]:
        given = {name.removeprefix(_QUESTION_PREFIX): value for name, value in self.cleaned_data.items()}
        keys = {name.removeprefix(_QUESTION_PREFIX) for name in self.fields if name.startswith(_QUESTION_PREFIX)}
        return {key: _answer_text(given[key]) for key in keys}


class WaysForm(forms.Form):
    """The way to pay, where there are several or it is paid by hand."""

    method = forms.ChoiceField(
        label="How do you want to pay?",
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "This way to pay is not offered any more. Choose another."},
    )

    def __init__(self, *args: Any, ways: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not ways:
            del self.fields["method"]
            return
        self.fields["method"].choices = ways  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["method"].initial = ways[0][0]


class TermsForm(WaysForm):
    terms = forms.BooleanField(
        label="I agree to the cancellation policy",
        error_messages={"required": "Please agree to go on."},
    )


class PurchaseTermsForm(WaysForm):
    terms = forms.BooleanField(
        label="I agree to this, and want it at once",
        error_messages={"required": "Please agree to go on."},
    )


def known_answers(questions: list[IntakeQuestion], answers: list[dict[str, str]]) -> dict[str, str]:
    """Return what was answered before, as a form begins with it, for the questions whose words are still the same."""
    by_words = {answer["question"]: answer["answer"] for answer in answers}
    return {
        f"{_QUESTION_PREFIX}{question.key}": by_words[question.label]
        for question in questions
        if question.label in by_words
    }


def _question_field(question: IntakeQuestion) -> forms.Field:
    common: dict[str, Any] = {"label": question.label, "required": question.is_required}
    if question.kind == QuestionKind.CHOICE:
        choices = [(option, option) for option in question.options]
        blank = [] if question.is_required else [("", "No answer")]
        return forms.ChoiceField(choices=[*blank, *choices], widget=forms.RadioSelect, **common)
    if question.kind == QuestionKind.CHECKBOX:
        return forms.BooleanField(**common)
    is_long = question.kind == QuestionKind.LONG_TEXT
    widget = forms.Textarea(attrs={"rows": 3}) if is_long else forms.TextInput()
    return PlainTextField(max_length=2000, widget=widget, **common)


def _answer_text(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else ""
    return str(value)
