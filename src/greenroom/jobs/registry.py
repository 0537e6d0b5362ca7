"""Which function runs which kind of job. `config.wiring` fills the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from greenroom.jobs.models import Job


class Lane(StrEnum):
    """Queues, most urgent first: rooms and money never wait behind mail."""

    ROOMS = "rooms"
    MONEY = "money"
    MAIL = "mail"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class HandlerSpec:
    """How one kind of job is run.

    `run` is called outside any transaction with the claimed row, re-reads what it needs, and must be safe to
    run twice and in any order. `lease` must exceed the sum of its outbound time-outs. A kind with `every` plans
    itself once in each such stretch of time.
    """

    run: Callable[[Job], None]
    lane: Lane
    lease: timedelta = timedelta(seconds=60)
    max_attempts: int = 12
    every: timedelta | None = None


_handlers: dict[str, HandlerSpec] = {}


def use(handlers: Mapping[str, HandlerSpec]) -> None:
    """Replace the whole table."""
    _handlers.clear()
    _handlers.update(handlers)


def table() -> dict[str, HandlerSpec]:
    """Return a copy of the whole table."""
    return dict(_handlers)


def find_handler(kind: str) -> HandlerSpec | None:
    """Return how `kind` is run, or None when this version does not know it."""
    return _handlers.get(kind)


def lane_of(kind: str) -> Lane:
    """Return the lane of a kind; an unknown kind waits in the slow one until a version knows it."""
    spec = find_handler(kind)
    return spec.lane if spec else Lane.SLOW


def recurring() -> list[tuple[str, timedelta]]:
    """Return the kinds that plan themselves, each with its interval."""
    return [(kind, spec.every) for kind, spec in _handlers.items() if spec.every is not None]
