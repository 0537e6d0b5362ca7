"""Time, the machines that work due rows off, and everything that is to happen later."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Min

from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.discord.client import DiscordClient
from greenroom.integrations.discord.oauth import DiscordOAuth, OAuthApplication
from greenroom.integrations.discord.protocol import ORDINARY, CallOptions
from greenroom.integrations.discord.sandbox.access import access
from greenroom.integrations.discord.sandbox.in_process import BASE_URL, InProcessTransport
from greenroom.integrations.discord.sender import Sender, Timing
from greenroom.integrations.discord.state import BotState, InMemoryBotState
from greenroom.integrations.discord.types import Channel, GuildId, Role
from greenroom.jobs import services as jobs
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.registry import Lane
from greenroom.jobs.ticker import plan_recurring
from greenroom.rooms import discord
from greenroom.rooms.discord import Connection
from greenroom.rooms.simulation.tally import Tally

START = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_HAIR = timedelta(microseconds=10)
PAGES_URL = "http://discord.invalid/channels"


class Killed(BaseException):
    """The process ended here: nothing below this line of the code ran."""


class SeesNothing(DiscordClient):
    """The bot's client without adoption: it never finds what a lost request made."""

    def list_channels(self, _guild_id: GuildId, _options: CallOptions = ORDINARY) -> tuple[Channel, ...]:
        """List none."""
        return ()

    def list_roles(self, _guild_id: GuildId, _options: CallOptions = ORDINARY) -> tuple[Role, ...]:
        """List none."""
        return ()


def connect(transport: InProcessTransport, timing: Timing, *, state: BotState, can_adopt: bool = True) -> Connection:
    """Join the real client to the sandbox in this process, by the configured credentials."""
    sender = Sender(
        base_url=BASE_URL,
        user_agent="DiscordBot (http://greenroom.invalid, 1)",
        transport=transport,
        state=state,
        refuse_if_in_transaction=refuse_network_in_transaction,
        timing=timing,
    )
    known = access()
    application = OAuthApplication(known.client_id, known.client_secret, known.redirect_uri, "")
    client = DiscordClient if can_adopt else SeesNothing
    guild_id = GuildId(int(known.guild_id))
    return Connection(client(sender, known.bot_token), DiscordOAuth(sender, application), guild_id, PAGES_URL)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at `at`, whoever is at work then."""

    at: datetime
    happen: Callable[[], object]


@dataclass
class Stage:
    """One seed's dice, clock, machines and events to come.

    A call to Discord may let time pass; then the other machine works, and so does the rest of the world: nested runs
    in one thread, in an order that the dice choose. `trouble_until` is when the last disturbance was over.
    """

    dice: random.Random
    tally: Tally
    transport: InProcessTransport
    can_adopt: bool = True
    now: datetime = START
    trouble_until: datetime = START
    on_step: Callable[[], None] = lambda: None
    _events: list[Event] = field(default_factory=list)
    _machines: list[Connection] = field(default_factory=list)
    _state: BotState = field(init=False)
    _depth: int = 0
    _planned_for: datetime | None = None

    def __post_init__(self) -> None:
        self._state = InMemoryBotState(self.monotonic)
        self._machines = [self._new_machine(), self._new_machine()]

    def clock(self) -> datetime:
        """Return the instant on stage: the source of `core.clock`."""
        return self.now

    def happens(self, percent: int) -> bool:
        """Throw the dice for something that happens so often in a hundred."""
        return self.dice.random() * 100 < percent

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return (self.now - START).total_seconds()

    def trouble(self, until: datetime | None = None) -> None:
        """Remember a disturbance that is over now, or will be at `until`."""
        self.trouble_until = max(self.trouble_until, until or self.now)

    def later(self, by: timedelta, happen: Callable[[], object]) -> None:
        """Have something happen after so long."""
        self._events.append(Event(self.now + by, happen))

    def last_event_at(self) -> datetime:
        """Tell when the last thing planned so far happens."""
        return max((event.at for event in self._events), default=self.now)

    def live_until(self, instant: datetime) -> None:
        """Let due rows run as they fall due, and events happen, until `instant`."""
        while True:
            self._happen()
            following = self._next_at()
            if following <= self.now:
                self._run_one()
                self.on_step()
            elif following <= instant:
                self._go_to(following)
            else:
                break
        self._go_to(instant)

    def wait(self, delay: timedelta) -> None:
        """Let time pass for the machine that calls; the other one works meanwhile, if it is not at work already."""
        is_alone = self._depth + 1 >= len(self._machines) or connection.in_atomic_block
        if is_alone:
            self.trouble(self.now + delay)
        if is_alone or delay < SECOND:
            self._go_to(self.now + delay)
            return
        self._depth += 1
        try:
            self.live_until(self.now + delay)
        finally:
            self._depth -= 1

    def _go_to(self, instant: datetime) -> None:
        self.on_step()
        if instant > self.now:
            self.now = instant
            self.on_step()

    def _next_at(self) -> datetime:
        """Tell when the next thing is due: an event, a row, or the rows that recur every minute."""
        rows = Job.objects.filter(state=JobState.DUE, lane=Lane.ROOMS)  # mail is planned too, and nobody sends it
        due_at: datetime | None = rows.aggregate(first=Min("due_at"))["first"]
        next_minute = self.now.replace(second=0, microsecond=0) + MINUTE
        times = [event.at for event in self._events] + [next_minute] + ([due_at] if due_at else [])
        return max(min(times), self.now)

    def _happen(self) -> None:
        for event in sorted((it for it in self._events if it.at <= self.now), key=lambda it: it.at):
            self._events.remove(event)
            event.happen()
        minute = self.now.replace(second=0, microsecond=0)
        if self._planned_for != minute:
            self._planned_for = minute
            plan_recurring(self.now)
        self.on_step()

    def _run_one(self) -> None:
        """Let the machine whose turn it is run one due row; a machine that dies is replaced by a fresh one."""
        machine = self._machines[self._depth]
        with self._using(machine):
            try:
                for claimed in jobs.claim(lanes=[Lane.ROOMS], limit=1, now=self.now):
                    jobs.run(claimed)
            except Killed:
                self.tally.happened("crashes")
                self.trouble()
                self._machines[self._depth] = self._new_machine()

    @contextmanager
    def _using(self, machine: Connection) -> Iterator[None]:
        before = discord.current()
        discord.use(machine)
        try:
            yield
        finally:
            discord.use(before)

    def sweeping(self, run: Callable[[Job], None]) -> Callable[[Job], None]:
        """Return a sweep that sees what is in the server, also where nothing is adopted."""

        def sweep(job: Job) -> None:
            with self._using(self._new_machine(can_adopt=True)):
                run(job)

        return run if self.can_adopt else sweep

    def _new_machine(self, *, can_adopt: bool | None = None) -> Connection:
        timing = Timing(self.monotonic, self._sleep, self.dice.random)
        adopts = self.can_adopt if can_adopt is None else can_adopt
        return connect(self.transport, timing, state=self._state, can_adopt=adopts)

    def _sleep(self, seconds: float) -> None:
        """Wait as a client does; a hair longer, because instants are rounded and its own reckoning is not."""
        self.wait(timedelta(seconds=seconds) + _HAIR)
