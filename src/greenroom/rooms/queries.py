"""Reading rooms: who belongs into one, what the session page says, what needs an operator."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet

from greenroom.accounts.models import DiscordIdentity, User
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import BookingStatus, SessionStatus
from greenroom.catalog.models import Offer
from greenroom.catalog.types import Venue
from greenroom.coaches.models import Coach
from greenroom.core.errors import NotFoundError
from greenroom.integrations.discord.types import DiscordUserId
from greenroom.rooms import discord, rules
from greenroom.rooms.bot_state import fingerprint
from greenroom.rooms.fallback import fallback_url, is_offered
from greenroom.rooms.models import BotRecord, DiscordObject, GuildReport, KeptPolicy, Room, RoomAccess
from greenroom.rooms.policies import PRESETS, SITE_POLICY, RoomPolicy
from greenroom.rooms.types import (
    AccessState,
    PageState,
    Participant,
    PersonRole,
    RoomState,
    SessionFacts,
    Sighting,
)

ENTITLED = (
    BookingStatus.CONFIRMED,
    BookingStatus.IN_PROGRESS,
    BookingStatus.COMPLETED,
    BookingStatus.NO_SHOW,
)
PolicyOwner = Offer | Coach | None
_OF_SITE = Q(coach__isnull=True, offer__isnull=True)
_TROUBLED = (RoomState.BLOCKED, RoomState.DEGRADED)


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as one person sees it on the session page. Instants are aware UTC.

    `join_url` is None unless the person can enter now; `access` is None while nothing is known of them.
    `fallback_url` is where everybody meets because the room was not ready in time, or empty.
    """

    state: PageState
    sentence: str
    join_url: str | None
    opens_at: datetime
    closes_at: datetime
    access: AccessState | None
    fallback_url: str


def policy_for(offer: Offer) -> RoomPolicy:
    """Return the policy of the rooms of an offer's new sessions; the one place that says. One query.

    The offer's own, else its coach's, else the site's.
    """
    kept = KeptPolicy.objects.filter(_OF_SITE | Q(coach=offer.coach_id) | Q(offer=offer))
    return _nearest(kept)


def policy_of(coach: Coach | None) -> RoomPolicy:
    """Return the policy of a coach's offers that have none of their own, or with None the site's. One query."""
    return _nearest(KeptPolicy.objects.filter(_OF_SITE | Q(coach=coach) if coach else _OF_SITE))


def kept_policy(owner: PolicyOwner) -> RoomPolicy | None:
    """Return the policy that is kept for exactly this offer, coach or (None) site; None when there is none."""
    kept = KeptPolicy.objects.filter(**owner_columns(owner)).first()
    return kept.policy if kept else None


def owner_columns(owner: PolicyOwner) -> dict[str, Any]:
    """Return the two columns that say whose a kept policy is."""
    return {
        "offer": owner if isinstance(owner, Offer) else None,
        "coach": owner if isinstance(owner, Coach) else None,
    }


def _nearest(kept: QuerySet[KeptPolicy]) -> RoomPolicy:
    by_distance = sorted(kept, key=lambda one: (one.offer_id is None, one.coach_id is None))
    return by_distance[0].policy if by_distance else SITE_POLICY


@dataclass(frozen=True, slots=True)
class NameTemplates:
    """How everything that may be ours at Discord is called."""

    of_channels: frozenset[str]
    of_roles: frozenset[str]


def name_templates() -> NameTemplates:
    """Return the templates of all rooms there ever were, and the built-in ones: of an earlier database, too."""
    used = [*Room.objects.order_by().values_list("channel_name_template", "role_name_template").distinct()]
    built_in = [(it.channel_name_template, it.role_name_template) for it in PRESETS.values()]
    channels, of_roles = zip(*used, *built_in, strict=True)
    return NameTemplates(frozenset(channels), frozenset(of_roles))


def session_facts(session: CoachingSession) -> SessionFacts:
    """Return what a room needs to know of its session."""
    return SessionFacts(
        status=SessionStatus(session.status),
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        is_on_discord=session.venue == Venue.DISCORD,
    )


def participants_of(session: CoachingSession) -> tuple[Participant, ...]:
    """Return the coach and the students whose bookings count, the coach first; each account once. Two queries.

    A booking's own linked account comes before the one of its student's account.
    """
    coach = DiscordIdentity.objects.filter(user__coach=session.coach_id).first()
    people = [_participant(PersonRole.COACH, None, coach)]
    bookings = Booking.objects.filter(session=session, status__in=ENTITLED).order_by("pk")
    for booking in bookings.select_related("discord_identity", "student__discord_identity"):
        of_account = getattr(booking.student, "discord_identity", None)
        people.append(_participant(PersonRole.STUDENT, booking.pk, booking.discord_identity or of_account))
    return _each_account_once(people)


def _participant(role: PersonRole, booking_id: int | None, identity: DiscordIdentity | None) -> Participant:
    if identity is None:
        return Participant(role, booking_id)
    return Participant(role, booking_id, identity.pk, DiscordUserId(int(identity.discord_user_id)))


def _each_account_once(people: list[Participant]) -> tuple[Participant, ...]:
    """Keep a person's first place; who comes again with the same account counts as not linked."""
    seen: set[int] = set()
    kept = []
    for person in people:
        is_again = person.discord_user_id in seen
        kept.append(Participant(person.role, person.booking_id) if is_again else person)
        if person.discord_user_id is not None:
            seen.add(person.discord_user_id)
    return tuple(kept)


def room_view(session: CoachingSession, viewer: User | Booking, *, now: datetime) -> RoomView:
    """Return the room of `session` as its coach or one of its students sees it at `now` (aware).

    `viewer` is a signed-in user, or the booking whose link was opened. Raises: NotFoundError for anybody else.
    """
    booking = _booking_of(session, viewer)
    facts = session_facts(session)
    room = Room.objects.filter(session=session).first()
    policy = room.policy if room is not None else policy_for(session.offer)
    access = _access(room, session, booking)
    voice = room.voice_channel() if room is not None else None
    is_on = now < rules.closes_at(facts, policy)
    state, sentence = rules.session_page_state(facts, policy, _sighting(room, voice, access), now)
    return RoomView(
        state=state,
        sentence=sentence,
        join_url=_join_url(voice) if state is PageState.READY else None,
        opens_at=rules.opens_at(facts, policy),
        closes_at=rules.closes_at(facts, policy),
        access=AccessState(access.state) if access is not None else None,
        fallback_url=fallback_url(session) if is_offered(room, facts, policy, now=now) and is_on else "",
    )


def _booking_of(session: CoachingSession, viewer: User | Booking) -> Booking | None:
    """Return the viewer's booking, or None for the coach. Raises: NotFoundError."""
    if isinstance(viewer, Booking):
        mine = Booking.objects.filter(pk=viewer.pk, session=session).first()
    elif session.coach.user_id == viewer.pk:
        return None
    else:
        bookings = Booking.objects.filter(session=session, student=viewer)
        # Somebody who cancelled and booked again has two; the one that counts is shown.
        mine = bookings.filter(status__in=ENTITLED).last() or bookings.last()
    if mine is None:
        raise NotFoundError("We could not find this session.")
    return mine


def _access(room: Room | None, session: CoachingSession, booking: Booking | None) -> RoomAccess | None:
    """Return the row of the account that the person has linked now; rows of earlier accounts do not speak for it."""
    if room is None:
        return None
    wanted = booking.pk if booking is not None else None
    person = next((it for it in participants_of(session) if it.booking_id == wanted), None)
    if person is None:
        return None
    return room.accesses.filter(booking=booking, discord_user_id=person.discord_user_id).first()


def _sighting(room: Room | None, voice: DiscordObject | None, access: RoomAccess | None) -> Sighting | None:
    if room is None:
        return None
    return Sighting(
        state=RoomState(room.state),
        has_channel=voice is not None,
        access=AccessState(access.state) if access is not None else None,
        access_error=access.last_error if access is not None else "",
        room_error=room.last_error,
    )


def _join_url(voice: DiscordObject | None) -> str | None:
    connection = discord.current()
    if connection is None or voice is None:
        return None
    return connection.join_url(voice.guild_id, voice.object_id or 0)


def rooms_needing_attention() -> QuerySet[Room]:
    """Return the rooms an operator should look at: blocked, degraded, or not closing; the longest waiting first."""
    return (
        Room.objects.filter(Q(state__in=_TROUBLED) | Q(state=RoomState.CLOSING, failure_count__gt=0))
        .select_related("session__coach")
        .order_by("session__starts_at", "pk")
    )


def latest_report() -> GuildReport | None:
    """Return what was last found wrong with the server in which rooms are made; None before the first look."""
    connection = discord.current()
    return GuildReport.objects.filter(guild_id=connection.guild_id).first() if connection else None


def why_no_rooms() -> str:
    """Return why no rooms can be made now, in a coach's words; empty when they can. At most one query."""
    if discord.current() is None:
        return "This site is not connected to Discord yet, so these sessions have no room."
    report = latest_report()
    if report is None or not report.problem:
        return ""
    return "The site cannot make Discord rooms at present. Those who run it were told, and know why."


def is_token_dead() -> bool:
    """Tell whether Discord refused the bot token of the settings, so that nothing is sent with it."""
    if settings.DISCORD is None:
        return False
    known = BotRecord.objects.filter(fingerprint=fingerprint(settings.DISCORD.bot_token))
    return known.filter(is_token_dead=True).exists()
