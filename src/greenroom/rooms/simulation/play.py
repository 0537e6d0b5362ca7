"""Plays seeds: each one a whole life of a few sessions, to the end, and what is left of it."""

import random
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from django.db.models import QuerySet

from greenroom.core import faults
from greenroom.integrations.discord.sandbox.in_process import InProcessTransport
from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxRole
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.registry import HandlerSpec
from greenroom.rooms import jobs
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.services import RECONCILE
from greenroom.rooms.simulation.cast import Cast
from greenroom.rooms.simulation.deeds import LOOK_ALIKE, LOUNGE, Deeds
from greenroom.rooms.simulation.stage import MINUTE, SECOND, Stage
from greenroom.rooms.simulation.tally import Tally
from greenroom.rooms.simulation.theatre import play_by, throwaway
from greenroom.rooms.simulation.weather import Mood, Weather
from greenroom.rooms.simulation.witness import Witness
from greenroom.rooms.types import RoomState

# A sweep, or a second one, which finds what was too young for the first.
_QUIET_ENDS = (6 * MINUTE, 6 * MINUTE)
# So many outages in a hundred last so many minutes.
_OUTAGES = {1: 45, 2: 30, 5: 15, 20: 8, 120: 2}
_MOODS = {Mood.CALM: 40, Mood.BREEZY: 30, Mood.STORMY: 24, Mood.DOWN: 6}


SWEEP = "rooms.sweep"
T = TypeVar("T")


def play_seeds(seeds: Iterable[int], *, without: Collection[str] = ()) -> Tally:
    """Play each seed to the end in a database of its own; `without` names those of `tally.PARTS` to do without.

    Nothing of the installation is read or written. Playing a seed again gives the same numbers.
    """
    total = Tally()
    with throwaway() as empty:
        for seed in seeds:
            empty()
            total.add(seed, _play(seed, frozenset(without)))
    return total


def _play(seed: int, without: frozenset[str]) -> Tally:
    tally = Tally()
    dice = random.Random(seed)  # noqa: S311 -- dice that fall the same every time
    stage = Stage(dice, tally, InProcessTransport(), can_adopt="adoption" not in without)
    witness = Witness(stage)
    play_by(stage.clock, _handlers(stage, without))
    cast, weather = Cast(stage), Weather(stage, witness)
    stage.on_step = witness.look
    deeds = Deeds(stage, cast, witness)
    with faults.watched(weather.at_point):
        deeds.furnish()
        cast.open_program()
        witness.rows_changed()
        for _ in range(dice.randint(2, 6)):
            _live_a_while(stage, weather)
            deeds.do_something()
        weather.change(Mood.CALM)
        stage.live_until(_end_of(stage))
        for quiet in _QUIET_ENDS:
            if not _is_over(witness):
                stage.live_until(stage.now + quiet)
    _take_stock(witness, tally)
    return tally


def _live_a_while(stage: Stage, weather: Weather) -> None:
    mood = _thrown(stage.dice, _MOODS)
    weather.change(mood)
    if mood is Mood.DOWN:
        stage.live_until(stage.now + _thrown(stage.dice, _OUTAGES) * MINUTE)
    else:
        stage.live_until(stage.now + stage.dice.randint(1, 120) * SECOND)


def _thrown(dice: random.Random, weights: Mapping[T, int]) -> T:
    """Throw dice of which some sides are heavier."""
    return dice.choices(list(weights), weights=list(weights.values()))[0]


def _end_of(stage: Stage) -> datetime:
    closings = [room.session.ends_at + room.close_after for room in Room.objects.select_related("session")]
    return max(*closings, stage.last_event_at(), stage.trouble_until, stage.now)


def _is_over(witness: Witness) -> bool:
    return not (
        witness.standing() or DiscordObject.objects.filter(deleted_at__isnull=True).exists() or _unfinished().exists()
    )


def _unfinished() -> QuerySet[Job]:
    return Job.objects.filter(kind=RECONCILE).exclude(state=JobState.DONE)


def _take_stock(witness: Witness, tally: Tally) -> None:
    """Count what is left over when everything should be gone."""
    made = witness.objects()
    for kind in (SandboxChannel, SandboxRole):
        for pk, name in kind.objects.filter(pk__in=made).values_list("pk", "name"):
            tally.is_wrong("orphans", f"{name} ({pk})")
    for name in (LOUNGE, LOOK_ALIKE):
        if not SandboxChannel.objects.filter(name=name).exists():
            tally.is_wrong("touched", f"{name} is gone")
    if SandboxChannel.objects.filter(name=LOUNGE, overwrites__isnull=False).exists():
        tally.is_wrong("touched", f"{LOUNGE} has overwrites")
    for room in Room.objects.exclude(state=RoomState.GONE):
        tally.is_wrong("unsettled", f"{room} is {room.state}: {room.last_error_detail}")
    for job in _unfinished():
        tally.is_wrong("unsettled", f"{job.key} is {job.state}: {job.last_error}")
    for entry in DiscordObject.objects.filter(deleted_at__isnull=True):
        tally.is_wrong("unsettled", f"{entry} was never seen to be gone")


def _handlers(stage: Stage, without: frozenset[str]) -> dict[str, HandlerSpec]:
    """Return the rooms' own handlers, each of which tells when it ends in an error nobody foresaw."""
    handlers = {kind: jobs.JOB_HANDLERS[kind] for kind in (RECONCILE, "rooms.watch")}
    sweep = jobs.JOB_HANDLERS[SWEEP]
    if "sweep" not in without:
        handlers[SWEEP] = replace(sweep, run=stage.sweeping(sweep.run))
    return {kind: replace(spec, run=_telling(kind, spec.run, stage.tally)) for kind, spec in handlers.items()}


def _telling(kind: str, run: Callable[[Job], None], tally: Tally) -> Callable[[Job], None]:
    def told(job: Job) -> None:
        try:
            run(job)
        except (RetryLaterError, PermanentFailureError):
            raise
        except Exception as error:
            tally.is_wrong("errors", f"{kind}: {type(error).__name__}: {error}")
            raise

    return told
