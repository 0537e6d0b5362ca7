"""What an offer's form lets people choose from. A value set elsewhere stays choosable, so that saving keeps it."""

from datetime import timedelta

from greenroom.catalog.policies import PRESETS
from greenroom.catalog.types import DiscordRequirement, PolicyPreset, QuestionKind, Venue
from greenroom.core import currencies as currency_codes
from greenroom.notifications.display import duration
from greenroom.orders.policies import short_words

Choice = tuple[str, str]

VENUES = (
    (Venue.DISCORD.value, "In a private Discord room that opens and closes by itself"),
    (Venue.VIDEO.value, "In a video call"),
    (Venue.IN_PERSON.value, "In person"),
)
# By when a student has to be known on Discord (X7); a room there is useless without, so "never" is not among them.
REQUIREMENTS = (
    (DiscordRequirement.BEFORE_JOIN.value, "Before joining: the easiest for students"),
    (DiscordRequirement.BEFORE_PAYMENT.value, "Before paying"),
    (DiscordRequirement.BEFORE_BOOKING.value, "Before booking"),
)
KINDS = (
    (QuestionKind.SHORT_TEXT.value, "One line"),
    (QuestionKind.LONG_TEXT.value, "Several lines"),
    (QuestionKind.CHOICE.value, "One of some choices"),
    (QuestionKind.CHECKBOX.value, "A box to tick"),
)
_POLICY_NAMES = {
    PolicyPreset.FLEXIBLE: "Flexible",
    PolicyPreset.DAY: "24 hours",
    PolicyPreset.MODERATE: "Moderate",
    PolicyPreset.STRICT: "Strict",
    PolicyPreset.NONE: "No refunds",
}
_INCREMENTS = (5, 10, 15, 20, 30, 45, 60, 90, 120)
_BUFFERS = (0, 5, 10, 15, 20, 30, 45, 60, 90, 120)
_MOVE_NOTICES = (0, 1, 2, 4, 8, 12, 24, 48, 72, 168)
_HOUR = 60
_DAY = 24 * _HOUR
_NOTICES = (
    0, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY,
)  # fmt: skip


def policies() -> list[Choice]:
    """Return the cancellation policies, each with what it says."""
    named = [(preset.value, f"{name}: {short_words(PRESETS[preset])}") for preset, name in _POLICY_NAMES.items()]
    return [*named, (PolicyPreset.OWN.value, "My own rules")]


def currencies(present: str) -> list[Choice]:
    """Return the currencies, with the one an offer has."""
    return [(code, code) for code in sorted({*currency_codes.CODES, present} - {""})]


def increments(present: int) -> list[Choice]:
    """Return the steps between starts."""
    return _lengths(_INCREMENTS, present, "")


def buffers(present: int) -> list[Choice]:
    """Return the times kept free around a session."""
    return _lengths(_BUFFERS, present, "None")


def notices(present: int) -> list[Choice]:
    """Return how long before the start a session can still be booked."""
    words = _lengths(_NOTICES, present, "Up to the last minute")
    return [(minutes, text if minutes == "0" else f"{text} before") for minutes, text in words]


def move_notices(present: int) -> list[Choice]:
    """Return how many hours before its start a student can still move a session."""
    words = _lengths(tuple(hours * _HOUR for hours in _MOVE_NOTICES), present * _HOUR, "The start")
    return [(str(int(minutes) // _HOUR), text if minutes == "0" else f"{text} before") for minutes, text in words]


def _lengths(minutes: tuple[int, ...], present: int, zero: str) -> list[Choice]:
    return [(str(one), length_words(one) if one else zero) for one in sorted({*minutes, present} - {-1})]


def length_words(minutes: int) -> str:
    """Write whole days as days, everything else as hours and minutes."""
    days, rest = divmod(minutes, _DAY)
    if days and not rest:
        return "1 day" if days == 1 else f"{days} days"
    return duration(timedelta(minutes=minutes))
