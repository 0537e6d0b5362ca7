"""The people of a simulation and the rows about them: the smallest that the database accepts."""

import random
from dataclasses import asdict
from datetime import datetime, timedelta

from greenroom.accounts.models import DiscordIdentity, User
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.types import OfferStatus, Venue
from greenroom.coaches.models import Coach
from greenroom.coaches.types import CoachStatus
from greenroom.core.ids import new_ref
from greenroom.integrations.discord.oauth import code_challenge, new_code_verifier
from greenroom.integrations.discord.sandbox.models import SandboxUser
from greenroom.integrations.discord.sandbox.services import oauth
from greenroom.integrations.discord.sandbox.services.guild import ensure_guild, guild_id, sample_user_id
from greenroom.rooms.models import Room
from greenroom.rooms.policies import AccessMethod, RoomPolicy
from greenroom.rooms.services import request_reconcile
from greenroom.rooms.simulation.stage import MINUTE, SECOND, Stage
from greenroom.rooms.simulation.theatre import APPLICATION

# A person's Discord accounts, the one they begin with first: members of the server or not, as the sandbox has them.
STUDENTS = (("sam.student", "sam.second"), ("ida.student", "ida.second"), ("lee.student", "lee.second"))
STRANGER = "noah.coach"
_COACH = "maya.coach"
_SECOND_ACCOUNTS = {"sam.second": 31, "ida.second": 32, "lee.second": 33}
_SCOPES = ("identify", "guilds.join")
_TOKENS_LAST = (timedelta(days=7), timedelta(hours=12))
_LENGTHS = (1, 2, 3)
# Minutes before the start that a room is made and opened, and after the end that it closes.
_POLICIES = ((1, 1, 1), (2, 1, 1), (3, 1, 0), (7, 1, 1))


class Cast:
    """A coach, three students and what they book."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        ensure_guild()
        for name, offset in _SECOND_ACCOUNTS.items():
            SandboxUser.objects.create(pk=guild_id() + offset, username=name, display_name=name)
        user = User.objects.create_user("coach@greenroom.invalid", name="Coach")
        self._coach = Coach.objects.create(user=user, slug="coach", display_name="Coach", status=CoachStatus.APPROVED)
        self._offer = Offer.objects.create(
            coach=self._coach, slug="call", title="Call", status=OfferStatus.PUBLISHED, venue=Venue.DISCORD
        )
        OfferDuration.objects.create(offer=self._offer, minutes=60, price_minor=0)
        self.link(_COACH, user=user)

    @property
    def dice(self) -> random.Random:
        """The dice of the seed."""
        return self.stage.dice

    def sessions(self) -> list[CoachingSession]:
        """Return every session there is, the oldest first."""
        return list(CoachingSession.objects.order_by("pk"))

    def open_program(self) -> None:
        """Book a few sessions for the next minutes: alone and in groups, some one after the other."""
        starts_at = self.stage.now
        for _ in range(self.dice.choice((1, 1, 2))):
            starts_at += self.dice.randint(20, 240) * SECOND
            students = self._some_students()
            session = self.book(starts_at, students)
            if self.stage.happens(30):
                self.book(session.ends_at, students)

    def book_late(self) -> None:
        """Book a session that begins at once, or very soon."""
        self.book(self.stage.now + self.dice.randint(0, 90) * SECOND, self._some_students())

    def book(self, starts_at: datetime, students: list[int]) -> CoachingSession:
        """Book a session for some of the students; who has not linked Discord yet may do so later."""
        now, ends_at = self.stage.now, starts_at + self.dice.choice(_LENGTHS) * MINUTE
        session = CoachingSession.objects.create(
            coach=self._coach,
            offer=self._offer,
            starts_at=starts_at,
            ends_at=ends_at,
            blocked_from=starts_at,
            blocked_until=ends_at,
            status=SessionStatus.CONFIRMED,
            capacity=max(1, len(students)),
            seats_taken=len(students),
            is_exclusive=False,
            venue=Venue.DISCORD,
            created_at=now,
        )
        for number in students:
            self._add_booking(session, number)
        Room.objects.create(session=session, created_at=now, **asdict(self._policy()))
        self.stage.tally.happened("sessions")
        request_reconcile(session.pk, now=now)
        return session

    def link(self, username: str, *, user: User | None = None) -> DiscordIdentity:
        """Let a person link a Discord account by consent and code; a second time renews what they granted."""
        account = SandboxUser.objects.get(username=username)
        verifier = new_code_verifier()
        request = oauth.AuthorizationRequest(APPLICATION.redirect_uri, _SCOPES, code_challenge(verifier))
        code = oauth.grant_code(account, request)
        tokens = oauth.exchange_code(code=code, redirect_uri=APPLICATION.redirect_uri, code_verifier=verifier)
        identity, _made = DiscordIdentity.objects.update_or_create(
            discord_user_id=str(account.pk),
            defaults={
                "user": user,
                "username": username,
                "access_token": tokens.access_token,
                "refresh_token": tokens.refresh_token,
                "token_expires_at": self.stage.now + self.dice.choice(_TOKENS_LAST),
                "scopes": tokens.scopes,
                "linked_at": self.stage.now,
            },
        )
        return identity

    def _add_booking(self, session: CoachingSession, number: int) -> None:
        now = self.stage.now
        first_account = STUDENTS[number][0]
        known = DiscordIdentity.objects.filter(username__in=STUDENTS[number]).order_by("-linked_at").first()
        if known is None and self.stage.happens(70):
            known = self.link(first_account)
        Booking.objects.create(
            session=session,
            coach=self._coach,
            status=BookingStatus.CONFIRMED,
            holder=new_ref(),
            price_minor=0,
            currency=self._offer.currency,
            hold_expires_at=now,
            contact_name=first_account,
            contact_email=f"{first_account}@greenroom.invalid",
            discord_identity=known,
            created_at=now,
            confirmed_at=now,
        )

    def _some_students(self) -> list[int]:
        count = self.dice.choice((1, 1, 1, 2, 3))
        return sorted(self.dice.sample(range(len(STUDENTS)), count))

    def _policy(self) -> RoomPolicy:
        made, opened, closed = (minutes * MINUTE for minutes in self.dice.choice(_POLICIES))
        return RoomPolicy(made, opened, closed, closed, access_method=AccessMethod.MEMBER)


def accounts_of(booking: Booking) -> tuple[str, str]:
    """Return the Discord accounts of a booking's student."""
    return next(names for names in STUDENTS if names[0] == booking.contact_name)


def user_id_of(username: str) -> int:
    """Return the id of one of the server's people."""
    return SandboxUser.objects.get(username=username).pk if username in _SECOND_ACCOUNTS else sample_user_id(username)
