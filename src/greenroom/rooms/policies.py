"""Room policies: when rooms are there and for whom, what they are, what they are called. Pure.

A policy is a value: whoever stores one (a site, a coach, an offer) makes it from its fields, and `queries.policy_for`
says which one counts. A room keeps a copy from the moment it is planned, so that later changes move no room.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from greenroom.core.errors import InvalidInputError

SHORT8 = "{short8}"
# Discord's limit for channels and roles (documentation); the marker is as long as the word that stands for it.
MOST_NAME = 100
MOST_BEFORE = timedelta(days=366)
MOST_CLOSE_AFTER = timedelta(hours=24)
MOST_TEARDOWN_AFTER = timedelta(days=30)
MOST_ARCHIVE = timedelta(days=366)
# With fewer letters around the marker, what somebody else made could be taken for ours: dates have eight digits too.
_LEAST_LETTERS = 3
# Discord drops other ASCII signs from the names of text channels.
_CHANGED_BY_DISCORD = re.compile(r"[!-,./:-@\[-^`{-~]")


class AccessMethod(StrEnum):
    """By what a room lets its people in: an overwrite for each, or a role of its own.

    `auto` takes a role while the server has plenty left; `role` takes one as long as Discord makes any. Both fall
    back to members, so that a room never waits for a role (X4).
    """

    AUTO = "auto"
    MEMBER = "member"
    ROLE = "role"


class RoomKind(StrEnum):
    """What a room is: a voice channel, whose own text chat serves, or a voice and a text channel side by side (X6)."""

    VOICE = "voice"
    TEXT_AND_VOICE = "text_and_voice"


@dataclass(frozen=True, slots=True)
class RoomPolicy:
    """One way of keeping rooms. Durations count back from the session's start or on from its end.

    Before the start a room is made hidden (`provision_before`) and shown to its people (`open_before`). After the
    end they lose it (`close_after`); until `teardown_after` it stands hidden, for the server's staff alone. Then it
    is deleted, or, with `archive_for`, its people can read it for so long, and it is deleted after that.
    The names are templates in which `{short8}` becomes the eight characters that a room is recognised by.
    `remind_before`: how long before the start people are reminded of the room; zero is never.
    Raises: InvalidInputError, which names the field at fault.
    """

    provision_before: timedelta
    open_before: timedelta
    close_after: timedelta
    teardown_after: timedelta
    access_method: AccessMethod = AccessMethod.AUTO
    kind: RoomKind = RoomKind.VOICE
    channel_name_template: str = "coaching-{short8}"
    role_name_template: str = "Session {short8}"
    archive_for: timedelta = timedelta()
    remind_before: timedelta = timedelta()

    def __post_init__(self) -> None:
        for field, (most, sentence) in _LIMITS.items():
            if not timedelta() <= getattr(self, field) <= most:
                raise InvalidInputError(sentence, field=field)
        if self.open_before > self.provision_before:
            raise InvalidInputError("A room is made before it opens, or at the same time.", field="open_before")
        if self.teardown_after < self.close_after:
            raise InvalidInputError("A room closes before it is taken away, or together.", field="teardown_after")
        _check_template("channel_name_template", self.channel_name_template)
        _check_channel_signs("channel_name_template", self.channel_name_template)
        _check_template("role_name_template", self.role_name_template)

    def channel_name(self, marker: str) -> str:
        """Return what the channels of the room with this marker are called when they are made."""
        return self.channel_name_template.replace(SHORT8, marker)

    def role_name(self, marker: str) -> str:
        """Return what the role of the room with this marker is called when it is made."""
        return self.role_name_template.replace(SHORT8, marker)


_LIMITS = {
    "provision_before": (MOST_BEFORE, "A room is made at the start of its session or up to 366 days before."),
    "open_before": (MOST_BEFORE, "A room opens at the start of its session or up to 366 days before."),
    "close_after": (MOST_CLOSE_AFTER, "A room closes at the end of its session or up to 24 hours after."),
    "teardown_after": (MOST_TEARDOWN_AFTER, "A room is taken away at the end of its session or up to 30 days after."),
    "archive_for": (MOST_ARCHIVE, "A room can be kept for reading for up to 366 days; 0 deletes it."),
    "remind_before": (MOST_BEFORE, "People are reminded up to 366 days before the start; 0 is never."),
}


def _check_template(field: str, template: str) -> None:
    around = template.replace(SHORT8, "", 1)
    if SHORT8 not in template or "{" in around or "}" in around:
        sentence = "Write {short8} exactly once, and no other braces: the room's own eight characters go there."
        raise InvalidInputError(sentence, field=field)
    if len(template) > MOST_NAME:
        raise InvalidInputError(f"Discord takes names of up to {MOST_NAME} characters.", field=field)
    if not template.isprintable() or template != " ".join(template.split()):
        sentence = "Use visible characters and single spaces, and no space at the beginning or the end."
        raise InvalidInputError(sentence, field=field)
    if sum(character.isalpha() for character in around) < _LEAST_LETTERS:
        sentence = "Put a word of three letters or more beside {short8}, so that no other name is taken for ours."
        raise InvalidInputError(sentence, field=field)


def _check_channel_signs(field: str, template: str) -> None:
    around = template.replace(SHORT8, "", 1)
    if around != around.lower() or _CHANGED_BY_DISCORD.search(around):
        sentence = "Use small letters, digits, spaces, - and _, and emoji if you like: Discord changes the rest."
        raise InvalidInputError(sentence, field=field)


# Two hours before, made and opened at once (002, the site's own); made hidden first (001); as soon as it is booked, by
# a role and with a text channel (000). Each closes and is taken away an hour after the end.
WINDOW = RoomPolicy(timedelta(hours=2), timedelta(hours=2), timedelta(hours=1), timedelta(hours=1))
TWO_STEP = RoomPolicy(timedelta(minutes=15), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=1))
INSTANT = RoomPolicy(
    MOST_BEFORE,
    MOST_BEFORE,
    timedelta(hours=1),
    timedelta(hours=1),
    access_method=AccessMethod.ROLE,
    kind=RoomKind.TEXT_AND_VOICE,
)
PRESETS = {"window": WINDOW, "two_step": TWO_STEP, "instant": INSTANT}
SITE_POLICY = WINDOW


def preset_of(policy: RoomPolicy) -> str:
    """Return the name of the preset that says exactly this, or an empty text."""
    return next((name for name, preset in PRESETS.items() if preset == policy), "")
