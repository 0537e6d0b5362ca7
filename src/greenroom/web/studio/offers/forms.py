from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Q

from greenroom.availability.models import Schedule
from greenroom.catalog.models import MAX_APPROVAL_HOURS, MAX_DURATION_MINUTES, MAX_SEATS, Offer
from greenroom.catalog.policies import PRESETS, preset_of
from greenroom.catalog.queries import find_download, price_to_buy
from greenroom.catalog.services import DownloadTerms, DurationTerms, OfferTerms, QuestionTerms, TierTerms
from greenroom.catalog.services.terms import (
    LONGEST_TIER_HOURS,
    MOST_DURATIONS,
    MOST_QUESTIONS,
    MOST_TIERS,
)
from greenroom.catalog.types import (
    DEFAULT_REFUND_TIERS,
    MAX_PRICE_MINOR,
    DiscordRequirement,
    PolicyPreset,
    QuestionKind,
    RefundTier,
    Venue,
)
from greenroom.coaches.models import Topic
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money
from greenroom.web.public.forms import PlainTextField
from greenroom.web.studio.forms import DateField, parse_price, price_words, whole_number
from greenroom.web.studio.offers import choices
from greenroom.web.studio.rows import Row, RowGroup, RowsForm, blame

_CHOOSE = {"required": "Choose one.", "invalid_choice": "Choose one from the list."}
_SHORTEST_MINUTES = 5
_LONGEST_PRICE = 14
_PRICE_ATTRIBUTES = {"class": "input", "inputmode": "decimal", "autocomplete": "off"}
_ONE_HOUR = timedelta(hours=1)


def _duration_fields(index: int) -> dict[str, forms.Field]:
    number = index + 1
    minutes = whole_number(f"Length {number} in minutes", _SHORTEST_MINUTES, MAX_DURATION_MINUTES, required=False)
    price = PlainTextField(
        label=f"Price {number}",
        required=False,
        max_length=_LONGEST_PRICE,
        widget=forms.TextInput(attrs=_PRICE_ATTRIBUTES),
    )
    return {"minutes": minutes, "price": price}


def _question_fields(index: int) -> dict[str, forms.Field]:
    number = index + 1
    return {
        "label": PlainTextField(label=f"Question {number}", required=False, max_length=200),
        "kind": forms.ChoiceField(
            label=f"Answer to question {number}",
            choices=choices.KINDS,
            initial=QuestionKind.SHORT_TEXT.value,
            required=False,
            error_messages=_CHOOSE,
        ),
        "is_required": forms.BooleanField(label="Has to be answered", required=False),
        "options": PlainTextField(
            label=f"Choices of question {number}",
            required=False,
            max_length=2200,
            widget=forms.Textarea(attrs={"rows": 2}),
        ),
        "key": forms.SlugField(required=False, max_length=40, widget=forms.HiddenInput),
    }


def _tier_fields(index: int) -> dict[str, forms.Field]:
    number = index + 1
    hours = whole_number(f"Hours before the start, rule {number}", 0, LONGEST_TIER_HOURS, required=False)
    return {"hours": hours, "percent": whole_number(f"Percent back, rule {number}", 0, 100, required=False)}


class OfferForm(RowsForm):
    """Everything about an offer. Lengths, questions and refund rules stand in rows."""

    groups = (
        RowGroup("durations", _duration_fields, most=MOST_DURATIONS, at_least=3),
        RowGroup("questions", _question_fields, most=MOST_QUESTIONS, at_least=0),
        RowGroup("refund_tiers", _tier_fields, most=MOST_TIERS, at_least=1),
    )

    title = PlainTextField(label="Title", max_length=80, error_messages={"required": "Give it a title."})
    summary = PlainTextField(
        label="In one sentence", required=False, max_length=200, help_text="Stands in lists and beside the calendar."
    )
    description = PlainTextField(
        label="Description", required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 5})
    )
    currency = forms.ChoiceField(label="Currency", error_messages=_CHOOSE)
    price = PlainTextField(
        label="Price of any length",
        required=False,
        max_length=_LONGEST_PRICE,
        widget=forms.TextInput(attrs=_PRICE_ATTRIBUTES),
        help_text="For every length that has none of its own. Empty: your rates by the hour.",
    )
    topic = forms.ModelChoiceField(
        Topic.objects.none(),
        label="What it is about",
        required=False,
        empty_label="Any of my topics",
        error_messages={"invalid_choice": "Choose one of your own topics."},
    )
    venue = forms.ChoiceField(
        label="Where do you meet?", choices=choices.VENUES, widget=forms.RadioSelect, error_messages=_CHOOSE
    )
    discord_requirement = forms.ChoiceField(
        label="When must the student have connected Discord?",
        choices=choices.REQUIREMENTS,
        required=False,
        error_messages=_CHOOSE,
    )
    video_url = forms.URLField(
        label="Address of the video room",
        required=False,
        max_length=200,
        assume_scheme="https",
        help_text="A Jitsi room, or any meeting link.",
        error_messages={"invalid": "Write a whole address, such as https://meet.jit.si/your-room."},
    )
    place = PlainTextField(label="Place", required=False, max_length=200)
    increment_minutes = forms.TypedChoiceField(label="A start every", coerce=int, error_messages=_CHOOSE)
    notice_minutes = forms.TypedChoiceField(label="Can be booked until", coerce=int, error_messages=_CHOOSE)
    horizon_days = whole_number("Days ahead that can be booked", 1, 365)
    buffer_before_minutes = forms.TypedChoiceField(label="Kept free before", coerce=int, error_messages=_CHOOSE)
    buffer_after_minutes = forms.TypedChoiceField(label="Kept free after", coerce=int, error_messages=_CHOOSE)
    first_day = DateField(label="Sessions from", required=False)
    last_day = DateField(label="Sessions until", required=False)
    daily_limit = whole_number("Most of these a day", 1, 100, required=False)
    weekly_limit = whole_number("Most of these a week", 1, 500, required=False)
    monthly_limit = whole_number("Most of these a month", 1, 2000, required=False)
    approval_hours = whole_number(
        "Accept each booking yourself, within hours",
        1,
        MAX_APPROVAL_HOURS,
        required=False,
        help_text="Empty: confirmed once it is paid. Without your answer in time the student gets everything back.",
    )
    capacity = whole_number(
        "Seats",
        1,
        MAX_SEATS,
        required=False,
        help_text="Empty or 1: one student alone. More: a group, in which each pays for a seat.",
    )
    min_seats = whole_number(
        "Takes place with at least",
        1,
        MAX_SEATS,
        required=False,
        help_text="With fewer people when booking closes it is called off, and everybody gets everything back.",
    )
    moves_limit = whole_number(
        "How often a student may move a session",
        0,
        100,
        required=False,
        help_text="Empty: as often as they like, without asking you.",
    )
    move_notice_hours = forms.TypedChoiceField(label="It can be moved until", coerce=int, error_messages=_CHOOSE)
    policy = forms.ChoiceField(
        label="What comes back when a student cancels",
        choices=choices.policies,
        widget=forms.RadioSelect,
        error_messages=_CHOOSE,
    )
    schedule = forms.ModelChoiceField(
        Schedule.objects.none(),
        label="Hours",
        required=False,
        empty_label="My weekly hours",
        error_messages={"invalid_choice": "Choose one of your own schedules."},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, offer: Offer, is_quiet: bool = False) -> None:
        rows = _initial_rows(offer)
        initial = _initial(offer) | {"policy": _policy_of(rows)}
        super().__init__(data, initial=initial, rows=rows, is_quiet=is_quiet)
        # `Any`: the checker knows these by the base class of all fields, which has no choices.
        fields: dict[str, Any] = self.fields
        fields["currency"].choices = choices.currencies(offer.currency)
        fields["increment_minutes"].choices = choices.increments(offer.increment_minutes)
        fields["notice_minutes"].choices = choices.notices(offer.notice_minutes)
        fields["buffer_before_minutes"].choices = choices.buffers(offer.buffer_before_minutes)
        fields["buffer_after_minutes"].choices = choices.buffers(offer.buffer_after_minutes)
        fields["move_notice_hours"].choices = choices.move_notices(offer.move_notice_hours)
        others = Q(is_default=False) | Q(pk=offer.schedule_id)
        fields["topic"].queryset = Topic.objects.filter(
            Q(pk=offer.topic_id) | Q(pk__in=offer.coach.topics.values("pk"))
        )
        fields["schedule"].queryset = Schedule.objects.filter(others, coach=offer.coach_id)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._indexes: dict[str, list[int]] = {group.name: [] for group in self.groups}
        currency = cleaned.get("currency", "EUR")
        return cleaned | {
            "price_minor": self._price(cleaned.get("price", ""), currency, field="price"),
            "durations": self._durations(currency),
            "questions": self._questions(),
            "refund_tiers": self._policy(cleaned),
        }

    def _durations(self, currency: str) -> tuple[DurationTerms, ...]:
        found = []
        for index, row in self.cleaned_rows("durations"):
            if self.has_row_error("durations", index):
                continue
            if row.get("minutes") is None:
                if row.get("price"):
                    self.add_error(f"durations-{index}-minutes", "Write a length, or clear the row.")
                continue
            price_minor = self._price(row["price"], currency, field=f"durations-{index}-price")
            self._indexes["durations"].append(index)
            found.append(DurationTerms(row["minutes"], price_minor))
        return tuple(found)

    def _price(self, text: str, currency: str, *, field: str) -> int | None:
        """Read a price in minor units; None where nothing is written or what is written is refused."""
        if not text:
            return None
        try:
            price_minor = parse_price(text, currency)
        except forms.ValidationError as error:
            self.add_error(field, error)
            return None
        if price_minor > MAX_PRICE_MINOR:
            self.add_error(field, "This is more than a card can be charged.")
        return price_minor

    def _questions(self) -> tuple[QuestionTerms, ...]:
        found = []
        for index, row in self.cleaned_rows("questions"):
            options = tuple(line.strip() for line in row.get("options", "").splitlines() if line.strip())
            if not row.get("label"):
                if options and not self.has_row_error("questions", index):
                    self.add_error(f"questions-{index}-label", "Write the question, or remove it.")
                continue
            kind = QuestionKind(row.get("kind") or QuestionKind.SHORT_TEXT)
            self._indexes["questions"].append(index)
            found.append(QuestionTerms(row["label"], kind, row["is_required"], options, row.get("key", "")))
        return tuple(found)

    def _policy(self, cleaned: Mapping[str, Any]) -> tuple[TierTerms, ...]:
        """Return the rules of the policy that was chosen; the rows count for own rules only."""
        preset = PolicyPreset(cleaned.get("policy", PolicyPreset.OWN))
        if preset is not PolicyPreset.OWN:
            for name in [name for name in self.errors if name.startswith("refund_tiers-")]:
                del self.errors[name]
            return tuple(TierTerms(tier.notice // _ONE_HOUR, tier.percent) for tier in PRESETS[preset])
        rules = self._tiers()
        if cleaned.get("policy") and not rules and not self.has_row_error("refund_tiers", 0):
            self.add_error("refund_tiers-0-hours", "Write a rule, or choose one of the policies.")
        return rules

    def _tiers(self) -> tuple[TierTerms, ...]:
        found = []
        for index, row in self._both("refund_tiers", "hours", "percent", ("the hours", "the percent, 0 for nothing")):
            self._indexes["refund_tiers"].append(index)
            found.append(TierTerms(row["hours"], row["percent"]))
        return tuple(found)

    def _both(self, group: str, first: str, second: str, words: tuple[str, str]) -> list[tuple[int, dict[str, Any]]]:
        """Return the rows that say both; an empty row says nothing, half a row is refused at the missing half."""
        whole = []
        for index, row in self.cleaned_rows(group):
            missing = [name for name in (first, second) if row.get(name) in {None, ""}]
            if self.has_row_error(group, index) or len(missing) == len(words):
                continue
            if missing:
                word = words[0] if missing == [first] else words[1]
                self.add_error(f"{group}-{index}-{missing[0]}", f"Write {word}, or clear the row.")
                continue
            whole.append((index, row))
        return whole

    @property
    def duration_rows(self) -> list[Row]:
        return self.rows("durations")

    @property
    def question_rows(self) -> list[Row]:
        return self.rows("questions")

    @property
    def tier_rows(self) -> list[Row]:
        return self.rows("refund_tiers")

    @property
    def has_topics(self) -> bool:
        fields: dict[str, Any] = self.fields
        return bool(fields["topic"].queryset.exists())

    @property
    def has_schedules(self) -> bool:
        fields: dict[str, Any] = self.fields
        return bool(fields["schedule"].queryset.exists())

    @property
    def terms(self) -> OfferTerms:
        """Return what was written, for the service."""
        wanted = dict(self.cleaned_data)
        names = OfferTerms.__dataclass_fields__
        schedule, topic = wanted.pop("schedule"), wanted.pop("topic")
        return OfferTerms(
            **{name: value for name, value in wanted.items() if name in names}
            | {
                "venue": Venue(wanted["venue"]),
                "discord_requirement": DiscordRequirement(
                    wanted["discord_requirement"] or DiscordRequirement.BEFORE_JOIN
                ),
                "topic_id": topic.pk if topic else None,
                "schedule_id": schedule.pk if schedule else None,
                "capacity": wanted["capacity"] or 1,
                "min_seats": wanted["min_seats"] or 1,
            }
        )

    def blame(self, error: InvalidInputError) -> None:
        """Put a service's refusal at its field; a row is named as the service counts it, without the empty ones."""
        name, _, number = (error.field or "").partition(".")
        if name in self._indexes:
            indexes = self._indexes[name]
            index = indexes[int(number)] if number.isdecimal() and int(number) < len(indexes) else 0
            name = f"{name}-{index}-{next(iter(self._fields_of(name)))}"
        blame(self, error, field=name)


def _initial(offer: Offer) -> dict[str, Any]:
    names = (
        "title", "summary", "description", "currency", "venue", "discord_requirement", "video_url", "place",
        "increment_minutes", "notice_minutes", "horizon_days", "buffer_before_minutes", "buffer_after_minutes",
        "first_day", "last_day", "daily_limit", "weekly_limit", "monthly_limit", "approval_hours",
        "moves_limit", "move_notice_hours", "capacity", "min_seats",
    )  # fmt: skip
    return {name: getattr(offer, name) for name in names} | {
        "schedule": offer.schedule_id,
        "topic": offer.topic_id,
        "price": _written(offer.price_minor, offer),
    }


def _written(price_minor: int | None, offer: Offer) -> str:
    return "" if price_minor is None else price_words(Money(price_minor, offer.currency))


def _policy_of(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    tiers = [RefundTier(row["hours"] * _ONE_HOUR, row["percent"]) for row in rows.get("refund_tiers", ())]
    return preset_of(tiers or DEFAULT_REFUND_TIERS).value


def _initial_rows(offer: Offer) -> dict[str, list[dict[str, Any]]]:
    if not offer.pk:
        return {}
    return {
        "durations": [
            {"minutes": row.minutes, "price": _written(row.price_minor, offer)} for row in offer.durations.all()
        ],
        "questions": [
            {
                "label": row.label,
                "kind": row.kind,
                "is_required": row.is_required,
                "options": "\n".join(row.options),
                "key": row.key,
            }
            for row in offer.questions.all()
        ],
        "refund_tiers": [{"hours": row.notice_hours, "percent": row.percent} for row in offer.refund_tiers.all()],
    }


class DownloadForm(forms.Form):
    """Everything about a download but its files, which are sent one by one."""

    title = PlainTextField(label="Title", max_length=80, error_messages={"required": "Give it a title."})
    summary = PlainTextField(label="In one sentence", required=False, max_length=200, help_text="Stands in lists.")
    description = PlainTextField(
        label="Description",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What it is, for everybody to read.",
    )
    currency = forms.ChoiceField(label="Currency", error_messages={"required": "Choose one."})
    price = PlainTextField(
        label="Price",
        max_length=14,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="0 is free.",
        error_messages={"required": "Write a price, 0 for free."},
    )
    text = PlainTextField(
        label="Text for buyers",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Only who bought it reads this.",
    )
    link = forms.URLField(
        label="Link for buyers",
        required=False,
        max_length=200,
        assume_scheme="https",
        help_text="Such as a video that is listed nowhere. Whoever has the address can open it, and pass it on.",
        error_messages={"invalid": "Write a whole address, such as https://example.org/video."},
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, offer: Offer) -> None:
        content = find_download(offer.pk) if offer.pk else None
        initial = {name: getattr(offer, name) for name in ("title", "summary", "description", "currency")}
        if content is not None:
            initial |= {"price": price_words(price_to_buy(offer)), "text": content.text, "link": content.link}
        super().__init__(data, initial=initial)
        fields: dict[str, Any] = self.fields
        fields["currency"].choices = choices.currencies(offer.currency)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "price" in cleaned and "currency" in cleaned:
            try:
                cleaned["price_minor"] = parse_price(cleaned["price"], cleaned["currency"])
            except forms.ValidationError as error:
                self.add_error("price", error)
        if cleaned.get("price_minor", 0) > MAX_PRICE_MINOR:
            self.add_error("price", "This is more than a card can be charged.")
        return cleaned

    @property
    def terms(self) -> DownloadTerms:
        """Return what was written, for the service."""
        names = DownloadTerms.__dataclass_fields__
        return DownloadTerms(**{name: value for name, value in self.cleaned_data.items() if name in names})
