"""What becomes of requests to Discord, and of the machines that make them, by dice."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from django.db import connection

from greenroom.integrations.discord.transport import READ_SECONDS, Answer, NotSent, Unanswered
from greenroom.integrations.sandbox.faults import Seam
from greenroom.integrations.sandbox.models import ArmedFault
from greenroom.rooms.rules.markers import CALL_LASTS_AT_MOST, LATE_LANDING
from greenroom.rooms.simulation.stage import MINUTE, SECOND, Killed, Stage
from greenroom.rooms.simulation.witness import Witness

# Carries a request out and returns its answer, with the witness looking on.
Perform = Callable[[], Answer]
_TIME_OUT = READ_SECONDS * SECOND
# Longer than a room's turn (30 s) and than the lease of its row (45 s).
_STALL_SECONDS = (1, 3, 20, 40, 70, 120)
# Within what the client waits for and what the reconciler reckons with, and far beyond it.
_LANDING_SECONDS = (2, 6, 12, 21, 40, 300)
_RECKONED_WITH = CALL_LASTS_AT_MOST + LATE_LANDING


class Mood(StrEnum):
    """How often things go wrong for a while."""

    CALM = "calm"
    BREEZY = "breezy"
    STORMY = "stormy"
    DOWN = "down"


# In how many of a hundred calls, and at how many of a hundred points between them, something goes wrong.
_AT_CALLS = {Mood.CALM: 0, Mood.BREEZY: 8, Mood.STORMY: 30, Mood.DOWN: 0}
_AT_POINTS = {Mood.CALM: 0, Mood.BREEZY: 3, Mood.STORMY: 10, Mood.DOWN: 2}
# The sandbox's own faults, and how long each of them disturbs.
_FAULTS = {
    "rate_limited": SECOND,
    "rate_limited_global": SECOND,
    "rate_limited_shared": SECOND,
    "rate_limited_long": 60 * MINUTE,
    "cloudflare_429": MINUTE,
    "server_error_before": timedelta(),
    "server_error_after": timedelta(),
    "drop_reply": timedelta(),
    "garbled_reply": timedelta(),
    "forbidden": timedelta(),
}
_RARE = ("rate_limited_long", "cloudflare_429", "forbidden")
_COMMON = tuple(name for name in _FAULTS if name not in _RARE)


@dataclass
class Weather:
    """Decides what becomes of each request, and whether a machine dies or stalls at a point of its work."""

    stage: Stage
    witness: Witness
    mood: Mood = Mood.CALM
    _fates: tuple[Callable[[Perform], Answer], ...] = field(init=False)

    def __post_init__(self) -> None:
        self._fates = (
            self._crash_before,
            self._crash_after,
            self._never_leave,
            self._lose_reply,
            self._lose_reply,
            self._land_late,
            self._land_late,
            self._stall_before,
            self._stall_after,
            self._meet_fault,
        )
        self.stage.transport.meddler = self.meddle

    def meddle(self, method: str, _path: str, perform: Perform) -> Answer:
        """Choose a request's fate. Raises: NotSent, Unanswered, Killed."""

        def seen() -> Answer:
            answer = perform()
            if method != "GET":
                self.witness.guild_changed()
            return answer

        self.stage.tally.happened("calls")
        if self.mood is Mood.DOWN:
            self.stage.trouble()
            raise NotSent("down")
        if not self.stage.happens(_AT_CALLS[self.mood]):
            return seen()
        self.stage.trouble()
        try:
            return self.stage.dice.choice(self._fates)(seen)
        finally:
            self.stage.trouble()

    def at_point(self, _name: str) -> None:
        """Let a machine die or stall at a fault point. Raises: Killed."""
        if not self.stage.happens(_AT_POINTS[self.mood]):
            return
        if self.stage.happens(50) or connection.in_atomic_block:
            raise Killed
        self._stall()

    def change(self, mood: Mood) -> None:
        """Change the mood; an outage that ends was trouble until now."""
        if Mood.DOWN in {mood, self.mood}:
            self.stage.trouble()
        if mood is Mood.DOWN and self.mood is not Mood.DOWN:
            self.stage.tally.happened("outages")
        self.mood = mood

    def _crash_before(self, _perform: Perform) -> Answer:
        raise Killed

    def _crash_after(self, perform: Perform) -> Answer:
        perform()
        raise Killed

    def _never_leave(self, _perform: Perform) -> Answer:
        raise NotSent("lost on the way there")

    def _lose_reply(self, perform: Perform) -> Answer:
        self.stage.tally.happened("lost_replies")
        perform()
        self.stage.wait(_TIME_OUT)
        raise Unanswered("lost on the way back")

    def _land_late(self, perform: Perform) -> Answer:
        """Hold a request back until its sender has given up waiting, or longer than the reconciler reckons with."""
        self.stage.tally.happened("late_landings")
        delay = self.stage.dice.choice(_LANDING_SECONDS) * SECOND
        self.stage.later(delay, lambda: self._land(perform, is_far_too_late=delay > _RECKONED_WITH))
        self.stage.wait(_TIME_OUT)
        raise Unanswered("still on its way")

    def _land(self, perform: Perform, *, is_far_too_late: bool) -> None:
        """Carry a late request out. One that nobody waits for any more is found by the sweep, like what hands did."""
        self.stage.trouble()
        answer = perform()
        if is_far_too_late and answer.is_success and (about := _channel_in(answer)) is not None:
            self.witness.was_meddled(about)

    def _stall_before(self, perform: Perform) -> Answer:
        self._stall()
        return perform()

    def _stall_after(self, perform: Perform) -> Answer:
        answer = perform()
        self._stall()
        return answer

    def _stall(self) -> None:
        """Stop a machine in the middle of its work, maybe beyond its turn and its lease, and let it go on."""
        self.stage.tally.happened("stalls")
        self.stage.wait(self.stage.dice.choice(_STALL_SECONDS) * SECOND)
        self.stage.trouble()

    def _meet_fault(self, perform: Perform) -> Answer:
        self.stage.tally.happened("refusals")
        name = self.stage.dice.choice(_RARE if self.stage.happens(10) else _COMMON)
        self.stage.trouble(self.stage.now + _FAULTS[name])
        ArmedFault.objects.update_or_create(seam=Seam.DISCORD, name=name, defaults={"remaining": 1})
        return perform()


def _channel_in(answer: Answer) -> int | None:
    """Return the channel that an answer shows, if it does."""
    shown = json.loads(answer.body) if answer.body else {}
    return int(shown["id"]) if "permission_overwrites" in shown else None
