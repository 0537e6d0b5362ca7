"""What people choose about rooms."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django import forms

from greenroom.core.errors import InvalidInputError
from greenroom.rooms.policies import (
    MOST_BEFORE,
    MOST_NAME,
    PRESETS,
    AccessMethod,
    RoomKind,
    RoomPolicy,
    preset_of,
)
from greenroom.web.public.forms import PlainTextField
from greenroom.web.rooms.words import after_words, before_words, policy_words, span_words

ABOVE, OWN = "above", "own"
_CHOOSE = {"required": "Choose one.", "invalid_choice": "Choose one from the list."}
_MINUTE = timedelta(minutes=1)
_HOUR, _DAY = 60, 24 * 60
_BEFORE = (0, 5, 10, 15, 30, _HOUR, 2 * _HOUR, 4 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, MOST_BEFORE // _MINUTE)
_AFTER = (0, 5, 10, 15, 30, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 12 * _HOUR, _DAY)
_TEARDOWN = (*_AFTER, 2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY)
_ARCHIVE = (0, _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY, 180 * _DAY, 365 * _DAY)
_REMIND = (0, 5, 10, 15, 30, _HOUR, 2 * _HOUR, _DAY)
_PRESET_NAMES = {"window": "Window", "two_step": "Two steps", "instant": "At once"}
_METHODS = (
    (AccessMethod.AUTO.value, "By a role while the server has plenty, else person by person"),
    (AccessMethod.MEMBER.value, "Person by person: the fewest calls, and no limit of roles"),
    (AccessMethod.ROLE.value, "By a role of the session, which shows beside their names"),
)
_KINDS = (
    (RoomKind.VOICE.value, "A voice channel, with the chat that Discord puts into it"),
    (RoomKind.TEXT_AND_VOICE.value, "A text channel and a voice channel"),
)


def _span(label: str, **kwargs: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=label, coerce=_to_span, error_messages=_CHOOSE, **kwargs)


def _to_span(minutes: str) -> timedelta:
    return int(minutes) * _MINUTE


def _name(label: str, example: str) -> PlainTextField:
    help_text = f"{{short8}} becomes eight characters of the room itself, as in {example}."
    return PlainTextField(label=label, max_length=MOST_NAME, help_text=help_text)


class PolicyForm(forms.Form):
    """One of the policies that have a name, rules of one's own, or those of the level above (without one: the site)."""

    preset = forms.ChoiceField(label="When rooms are there", widget=forms.RadioSelect, error_messages=_CHOOSE)
    provision_before = _span("The room is made, hidden")
    open_before = _span("Its people see it")
    close_after = _span("They lose it")
    teardown_after = _span("It is taken away", help_text="Until then it stands hidden, for those who run the server.")
    access_method = forms.ChoiceField(
        label="How people are let in", choices=_METHODS, widget=forms.RadioSelect, error_messages=_CHOOSE
    )
    kind = forms.ChoiceField(label="What it is", choices=_KINDS, widget=forms.RadioSelect, error_messages=_CHOOSE)
    channel_name_template = _name("Name of the channel", "coaching-1f3a9b02")
    role_name_template = _name("Name of the role", "Session 1f3a9b02")
    archive_for = _span("When it is taken away", help_text="What was written stays readable for its people, or not.")

    remind_before = _span(
        "A message on Discord with the way in", help_text="To everybody who has linked Discord and is in the server."
    )

    def __init__(self, data: Any = None, *, kept: RoomPolicy | None, above: RoomPolicy | None) -> None:
        """Show `kept`, what this level has itself; `above` is what counts without it, None where nothing is above."""
        shown = kept or above or PRESETS["window"]
        super().__init__(data, initial=_initial(shown, kept, above))
        presets = [(name, f"{_PRESET_NAMES[name]}: {policy_words(policy)}") for name, policy in PRESETS.items()]
        first = [(ABOVE, f"As everywhere: {policy_words(above)}")] if above else []
        choices: dict[str, Iterable[tuple[str, str]]] = {
            "preset": [*first, *presets, (OWN, "Own rules")],
            "provision_before": _spans(_BEFORE, shown.provision_before, before_words),
            "open_before": _spans(_BEFORE, shown.open_before, before_words),
            "close_after": _spans(_AFTER, shown.close_after, after_words),
            "teardown_after": _spans(_TEARDOWN, shown.teardown_after, after_words),
            "archive_for": _spans(_ARCHIVE, shown.archive_for, _archive_words),
            "remind_before": _spans(_REMIND, shown.remind_before, _remind_words),
        }
        fields: dict[str, Any] = self.fields
        for name, these in choices.items():
            fields[name].choices = these
        if data is not None and data.get("preset") != OWN:
            # What is not asked for is not checked either: the fields below count only with own rules.
            for name in set(fields) - {"preset"}:
                fields[name].required = False

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        preset = cleaned.get("preset")
        if preset in PRESETS:
            return cleaned | {"policy": PRESETS[preset]}
        if preset != OWN:
            return cleaned | {"policy": None}
        if not self.errors:
            try:
                cleaned["policy"] = RoomPolicy(
                    **{name: cleaned[name] for name in self.fields if name not in _NOT_AS_TYPED},
                    access_method=AccessMethod(cleaned["access_method"]),
                    kind=RoomKind(cleaned["kind"]),
                )
            except InvalidInputError as error:
                self.add_error(error.field, error.message)
        return cleaned


_NOT_AS_TYPED = {"preset", "access_method", "kind"}


def _initial(shown: RoomPolicy, kept: RoomPolicy | None, above: RoomPolicy | None) -> dict[str, Any]:
    spans = ("provision_before", "open_before", "close_after", "teardown_after", "archive_for", "remind_before")
    preset = ABOVE if kept is None and above is not None else preset_of(shown) or OWN
    return {name: str(getattr(shown, name) // _MINUTE) for name in spans} | {
        "preset": preset,
        "access_method": shown.access_method.value,
        "kind": shown.kind.value,
        "channel_name_template": shown.channel_name_template,
        "role_name_template": shown.role_name_template,
    }


def _spans(minutes: tuple[int, ...], present: timedelta, words: Callable[[timedelta], str]) -> list[tuple[str, str]]:
    """Return lengths of time to choose from, with the one that is kept: what was set elsewhere stays choosable."""
    spans = sorted({*(one * _MINUTE for one in minutes), present})
    return [(str(one // _MINUTE), _begin(words(one))) for one in spans]


def _begin(words: str) -> str:
    return words[:1].upper() + words[1:]


def _archive_words(span: timedelta) -> str:
    return f"readable for {span_words(span)}, then deleted" if span else "deleted at once"


def _remind_words(before: timedelta) -> str:
    return f"{span_words(before)} before the start" if before else "none"
