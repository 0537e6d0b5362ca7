"""A Discord server to make rooms in: the real client and the sandbox, joined without a socket in between.

The client's requests reach the sandbox's own views as bytes; the wire between them can lose requests and answers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from tests.factories.clock import SettableClock

from greenroom.accounts.models import DiscordIdentity, User
from greenroom.core import clock
from greenroom.integrations.discord.oauth import code_challenge, new_code_verifier
from greenroom.integrations.discord.sandbox.faults import FAULTS
from greenroom.integrations.discord.sandbox.in_process import InProcessTransport, Meddler, deliver
from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxUser, SandboxVoiceState
from greenroom.integrations.discord.sandbox.queries import visible_channels
from greenroom.integrations.discord.sandbox.services import oauth, people
from greenroom.integrations.discord.sandbox.services.guild import ensure_guild, sample_user_id
from greenroom.integrations.discord.sender import Timing
from greenroom.integrations.discord.state import BotState
from greenroom.integrations.discord.transport import Answer, NotSent, Unanswered
from greenroom.integrations.discord.types import ChannelType
from greenroom.integrations.sandbox.faults import Seam
from greenroom.integrations.sandbox.models import ArmedFault
from greenroom.jobs import registry
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.ticker import run_until_idle
from greenroom.rooms import discord, jobs
from greenroom.rooms.bot_state import DatabaseBotState
from greenroom.rooms.discord import Connection
from greenroom.rooms.models import DiscordObject, Room
from greenroom.rooms.policies import SITE_POLICY
from greenroom.rooms.services import RECONCILE, sweep_guild
from greenroom.rooms.simulation.stage import connect
from greenroom.rooms.types import ObjectKind

_STEPPED = timedelta(minutes=2)
JOIN_SCOPES = ("identify", "guilds.join")


@dataclass
class StillTime:
    """Monotonic seconds that pass only while somebody sleeps; nobody really waits."""

    seconds: float = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def database_now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def timing(self) -> Timing:
        return Timing(monotonic=self.monotonic, sleep=self.sleep, jitter=lambda: 0.5)


def lose_next_answer(method: str) -> Meddler:
    """Carry the next request of a method out and lose its answer."""
    left = [method]

    def meddle(sent: str, _path: str, perform: Callable[[], Answer]) -> Answer:
        answer = perform()
        if sent in left:
            left.remove(sent)
            raise Unanswered("lost")
        return answer

    return meddle


def lose_answers(method: str) -> Meddler:
    """Carry all requests of a method out and lose their answers."""

    def meddle(sent: str, _path: str, perform: Callable[[], Answer]) -> Answer:
        answer = perform()
        if sent == method:
            raise Unanswered("lost")
        return answer

    return meddle


def refuse_all(_method: str, _path: str, _perform: Callable[[], Answer]) -> Answer:
    """Be unreachable."""
    raise NotSent("down")


@dataclass
class World:
    """A guild, a wired connection to it, a clock that is set, and the job rows of rooms."""

    wire: InProcessTransport
    clock: SettableClock
    connection: Connection
    time: StillTime

    @property
    def now(self) -> datetime:
        return self.clock()

    def run(self) -> None:
        """Run what is due at this very moment."""
        run_until_idle(source="test", budget=timedelta(seconds=60))

    def go_to(self, instant: datetime) -> None:
        """Move the clock to `instant`, stopping wherever a row falls due in the first and the last two minutes.

        What lies between is skipped, as if nobody had been there to run it: the same checks, every minute.
        """
        self._step_to(min(instant, self.now + _STEPPED))
        self.clock.set(max(self.now, instant - _STEPPED))
        self._step_to(instant)

    def _step_to(self, instant: datetime) -> None:
        while True:
            self.run()
            due = Job.objects.filter(state=JobState.DUE, due_at__lte=instant).order_by("due_at").first()
            if due is None:
                break
            self.clock.set(max(due.due_at, self.now))
        self.clock.set(max(instant, self.now))

    def advance(self, by: timedelta) -> None:
        """Let time pass, with due rows run as they fall due."""
        self.go_to(self.now + by)

    def link(
        self, username: str, *, user: User | None = None, scopes: tuple[str, ...] = JOIN_SCOPES
    ) -> DiscordIdentity:
        """Let a sample person link their Discord account by consent and code."""
        user_id = sample_user_id(username)
        verifier = new_code_verifier()
        request = oauth.AuthorizationRequest(settings.DISCORD.redirect_uri, scopes, code_challenge(verifier))
        code = oauth.grant_code(SandboxUser.objects.get(pk=user_id), request)
        tokens = self.connection.sign_in.exchange_code(code, code_verifier=verifier)
        identity, _made = DiscordIdentity.objects.update_or_create(
            discord_user_id=str(user_id),
            defaults={
                "user": user,
                "username": username,
                "access_token": tokens.access_token,
                "refresh_token": tokens.refresh_token,
                "token_expires_at": self.now + tokens.expires_in,
                "scopes": " ".join(sorted(tokens.scopes)),
                "linked_at": self.now,
            },
        )
        return identity

    def sees(self, username: str) -> list[str]:
        """Tell which rooms a sample person sees in the guild."""
        return [channel.name for channel in visible_channels(sample_user_id(username))]

    def join_voice(self, username: str) -> None:
        """Let a sample person connect to the only room there is."""
        self.join_voice_of(username, self._only_channel())

    def join_voice_of(self, username: str, channel: SandboxChannel) -> None:
        """Let a sample person connect to a channel."""
        people.join_voice(sample_user_id(username), channel.pk)

    def arm(self, fault: str, count: int) -> None:
        """Let one of the sandbox's faults strike the next requests that it fits."""
        assert fault in FAULTS
        ArmedFault.objects.update_or_create(seam=Seam.DISCORD, name=fault, defaults={"remaining": count})

    def forbid_deleting(self) -> None:
        """Lose every request to delete a channel on its way there."""

        def meddle(method: str, _path: str, perform: Callable[[], Answer]) -> Answer:
            if method == "DELETE":
                raise NotSent("lost")
            return perform()

        self.wire.meddler = meddle

    def allow_everything(self) -> None:
        """Let every request and every answer pass again."""
        self.wire.meddler = deliver

    def sweep(self) -> int:
        """Sweep the guild and tell how many channels were deleted."""
        return sweep_guild()

    def is_in_voice(self, username: str) -> bool:
        """Tell whether a sample person is connected anywhere."""
        return SandboxVoiceState.objects.filter(member__user_id=sample_user_id(username)).exists()

    def enter(self, username: str) -> None:
        """Let a sample person enter the server by an invitation."""
        people.join_guild(sample_user_id(username))

    def make_pending(self, username: str) -> None:
        """Let Discord say that a member has not passed the server's screening (the sandbox has none)."""

        def meddle(method: str, path: str, perform: Callable[[], Answer]) -> Answer:
            answer = perform()
            if method == "GET" and path.endswith(f"/members/{sample_user_id(username)}"):
                return Answer(answer.status, answer.headers, answer.body.replace(b"false", b"true"))
            return answer

        self.wire.meddler = meddle

    def kick(self, username: str) -> None:
        """Let the server's owner put a sample person out."""
        people.kick_member(sample_user_id(username))

    def delete_by_hand(self) -> None:
        """Let the server's owner delete the only room there is."""
        people.delete_channel_by_hand(self._only_channel().pk)

    def let_everybody_in(self) -> None:
        """Let the server's owner take away what keeps strangers out of the only room there is."""
        self._only_channel().overwrites.filter(target_id=self.connection.guild_id).delete()

    def _only_channel(self) -> SandboxChannel:
        return SandboxChannel.objects.get(type=ChannelType.VOICE)

    def rooms(self, kind: ChannelType = ChannelType.VOICE) -> list[str]:
        """Tell which channels of a type there are, seen or not, oldest first."""
        return list(SandboxChannel.objects.filter(type=kind).order_by("pk").values_list("name", flat=True))


def make_connection(wire: InProcessTransport, time: StillTime, state: BotState | None = None) -> Connection:
    """Join the real client to a wire."""
    state = state or DatabaseBotState(settings.DISCORD.bot_token, time.monotonic, time.database_now)
    return connect(wire, time.timing(), state=state)


@contextmanager
def open_world(source: SettableClock) -> Iterator[World]:
    """Wire a world; needs the `handlers` fixture and a database."""
    ensure_guild()
    wire, time = InProcessTransport(), StillTime()
    world = World(wire, source, make_connection(wire, time), time)
    registry.use({**registry.table(), RECONCILE: jobs.JOB_HANDLERS[RECONCILE]})
    before = discord.current()
    discord.use(world.connection)
    yield world
    discord.use(before)


def live(kind: ObjectKind = ObjectKind.VOICE) -> DiscordObject:
    """Return the one object of a kind that stands, or that was asked for and may stand."""
    return DiscordObject.objects.get(kind=kind, deleted_at=None)


def make_room(session: Any, *, now: datetime | None = None, **values: Any) -> Room:
    """Make the row of a session's room with the site's policy, except for what is given otherwise.

    A room that closes at another time is taken away then, unless it is said when.
    """
    policy = asdict(SITE_POLICY)
    policy["teardown_after"] = values.get("close_after", policy["close_after"])
    return Room.objects.create(session=session, created_at=now or clock.now(), **{**policy, **values})
