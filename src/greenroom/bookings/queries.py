"""Reading bookings and free times. `open_slots` gathers; the engine decides."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, Prefetch, Q, QuerySet, When

from greenroom.accounts.models import User
from greenroom.availability import queries as availability
from greenroom.availability.engine import Busy, Explanation, Interval, LocalInterval, Rules, SlotQuery, Taken
from greenroom.availability.engine import Schedule as EngineSchedule
from greenroom.availability.engine import explain as engine_explain
from greenroom.availability.engine import open_slots as engine_open_slots
from greenroom.availability.models import Schedule
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import GONE, JOINABLE, OCCUPYING, UPCOMING_SESSIONS, BookingStatus
from greenroom.catalog.models import Offer
from greenroom.catalog.types import OfferStatus
from greenroom.coaches.models import Coach
from greenroom.core.errors import NotFoundError
from greenroom.core.ids import read_signed_ref, sign_ref

MANAGE_PURPOSE = "bookings.manage"
ANSWER_PURPOSE = "bookings.answer"
_ALTERNATIVES = 3
_ALTERNATIVES_WITHIN = timedelta(days=14)
_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)
_ONE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """One offer at one length: what free times are asked for."""

    offer: Offer
    length: timedelta


def open_slots(
    offer: Offer,
    *,
    length: timedelta,
    range_from: datetime,
    range_to: datetime,
    now: datetime,
    moving: CoachingSession | None = None,
) -> list[datetime]:
    """Return the starts in [range_from, range_to), aware UTC and sorted, that can be booked at `now`.

    `moving` is the session from which a seat is being moved: its own time counts as free unless others stay in it,
    and its buffers are kept. Without one there is nothing while the offer takes no bookings. Groups with free seats
    are among the starts. Five queries, whatever the range; six for a group, and seven to move a seat out of one.
    """
    if moving is None and not takes_bookings(offer):
        return []
    queries = slot_queries([Wish(offer, length)], range_from=range_from, range_to=range_to, now=now, moving=moving)
    return engine_open_slots(queries[0])


def explain_slot(
    offer: Offer,
    *,
    length: timedelta,
    starts_at: datetime,
    now: datetime,
    moving: CoachingSession | None = None,
) -> Explanation:
    """Say why this very start can or cannot be booked at `now`: the same question as `open_slots`, for one instant.

    Under the coach's lock the answer stays true until the transaction ends.
    """
    wishes = [Wish(offer, length)]
    second = starts_at.replace(microsecond=0)
    queries = slot_queries(wishes, range_from=second, range_to=second + _ONE_SECOND, now=now, moving=moving)
    return engine_explain(queries[0], starts_at)


def seats_left(
    offer: Offer, *, length: timedelta, range_from: datetime, range_to: datetime, now: datetime
) -> dict[datetime, int]:
    """Return how many seats are left at the starts in [range_from, range_to) that somebody booked already.

    Every other start of the offer has all of them. One query; none for sessions of two.
    """
    groups = _joinable([Wish(offer, length)], range_from, range_to + length, now, None)
    return {group.session.starts_at: group.seats_left for group in groups}


def next_slots(
    wishes: Sequence[Wish], *, now: datetime, range_from: datetime | None = None, range_to: datetime | None = None
) -> list[datetime | None]:
    """Return the first free start of each wish, in [range_from, range_to) when they are given, or None.

    Never past its offer's horizon. Five queries for all of them.
    """
    if not wishes:
        return []
    first = max(now, range_from or now)
    last = now + max(wish.offer.horizon for wish in wishes) + _ONE_DAY
    last = min(last, range_to or last)
    if last <= first:
        return [None] * len(wishes)
    can_be_booked = [takes_bookings(wish.offer) for wish in wishes]
    queries = slot_queries(wishes, range_from=first, range_to=last, now=now)
    return [
        next(iter(engine_open_slots(query)), None) if is_bookable else None
        for query, is_bookable in zip(queries, can_be_booked, strict=True)
    ]


def takes_bookings(offer: Offer) -> bool:
    """Tell whether new sessions of this offer may be booked at all."""
    return offer.coach.is_bookable and offer.status == OfferStatus.PUBLISHED


def slot_queries(
    wishes: Sequence[Wish],
    *,
    range_from: datetime,
    range_to: datetime,
    now: datetime,
    moving: CoachingSession | None = None,
) -> list[SlotQuery]:
    """Gather what the engine needs for some offers. A hold past its time counts as free (law 8)."""
    coach_ids = {wish.offer.coach_id for wish in wishes}
    rules = [_engine_rules(wish, moving) for wish in wishes]
    first = range_from - max(rule.buffer_before + _margin(rule) for rule in rules)
    last = range_to + max(rule.duration + rule.buffer_after + _margin(rule) for rule in rules)
    hours = availability.hours_of(coach_ids)
    blackouts = availability.blackouts_of(coach_ids, range_from=first, range_to=last)
    sessions = _occupied(coach_ids, first, last, now, moving)
    # What was booked as a session of two stays one.
    groups = _joinable(wishes, first, last, now, moving) if moving is None or moving.is_group else []
    return [
        SlotQuery(
            schedule=hours.of(coach_id=wish.offer.coach_id, schedule_id=wish.offer.schedule_id),
            rules=rule,
            now=now,
            range_from=range_from,
            range_to=range_to,
            taken=_taken(wish, blackouts[wish.offer.coach_id], sessions[wish.offer.coach_id], groups),
        )
        for wish, rule in zip(wishes, rules, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Occupied:
    pk: int
    blocked: Interval
    starts_at: datetime
    offer_id: int


@dataclass(frozen=True, slots=True)
class _Group:
    """A session that people can join."""

    session: CoachingSession
    seats_left: int

    @property
    def busy(self) -> Busy:
        session = self.session
        return Busy(
            session.blocked_from,
            session.blocked_until,
            session=Interval(session.starts_at, session.ends_at),
            ref=f"a group session with {self.seats_left} of {session.offer.capacity} seats free",
        )


def _taken(
    wish: Wish, blackouts: tuple[Interval | LocalInterval, ...], sessions: list[_Occupied], groups: list[_Group]
) -> Taken:
    mine = [
        group
        for group in groups
        if group.session.offer_id == wish.offer.pk and group.session.ends_at - group.session.starts_at == wish.length
    ]
    joined = {group.session.pk for group in mine}
    others = [one for one in sessions if one.pk not in joined] if joined else sessions
    return Taken(
        blackouts=blackouts,
        busy=tuple(one.blocked for one in others),
        booked_starts=tuple(one.starts_at for one in sessions if one.offer_id == wish.offer.pk),
        joinable=tuple(group.busy for group in mine),
    )


def _joinable(
    wishes: Collection[Wish], first: datetime, last: datetime, now: datetime, moving: CoachingSession | None
) -> list[_Group]:
    """Return the groups of these offers in [first, last) that have a free seat: its offer says how many it has."""
    offers = {wish.offer.pk for wish in wishes if wish.offer.capacity > 1}
    if not offers:
        return []
    sessions = occupying({wish.offer.coach_id for wish in wishes}, first, last, now).filter(
        offer__in=offers, capacity__gt=1, status__in=JOINABLE, called_off_at=None
    )
    if moving is not None:
        sessions = sessions.exclude(pk=moving.pk)
    taken = Count("bookings", filter=_takes_a_seat(now, "bookings__"))
    groups = [
        _Group(session, session.offer.capacity - session.seats_count)
        for session in sessions.select_related("offer").annotate(seats_count=taken).order_by("starts_at", "pk")
    ]
    return [group for group in groups if group.seats_left > 0]


def _takes_a_seat(now: datetime, of: str = "") -> Q:
    """Return what is true of bookings that were not given up and are no hold past its time."""
    is_kept = ~Q(**{f"{of}status": BookingStatus.HELD}) | Q(**{f"{of}hold_expires_at__gt": now})
    return ~Q(**{f"{of}status__in": GONE}) & is_kept


def _engine_rules(wish: Wish, moving: CoachingSession | None) -> Rules:
    offer = wish.offer
    return Rules(
        duration=wish.length,
        increment=timedelta(minutes=offer.increment_minutes),
        buffer_before=moving.starts_at - moving.blocked_from if moving else offer.buffer_before,
        buffer_after=moving.blocked_until - moving.ends_at if moving else offer.buffer_after,
        notice=offer.notice,
        horizon=offer.horizon,
        daily_limit=offer.daily_limit,
        weekly_limit=offer.weekly_limit,
        monthly_limit=offer.monthly_limit,
        first_day=offer.first_day,
        last_day=offer.last_day,
    )


def _margin(rule: Rules) -> timedelta:
    """Return how far beyond the range sessions matter: a limit counts those of whole local days, weeks or months."""
    days = 32 if rule.monthly_limit else 8 if rule.weekly_limit else 2 if rule.daily_limit else 0
    return days * _ONE_DAY


def _occupied(
    coach_ids: Collection[int], first: datetime, last: datetime, now: datetime, moving: CoachingSession | None
) -> defaultdict[int, list[_Occupied]]:
    sessions = occupying(coach_ids, first, last, now)
    if moving is not None and not _others_stay(moving, now):
        sessions = sessions.exclude(pk=moving.pk)
    occupied: defaultdict[int, list[_Occupied]] = defaultdict(list)
    for coach_id, pk, blocked_from, blocked_until, starts_at, offer_id in sessions.values_list(
        "coach_id", "pk", "blocked_from", "blocked_until", "starts_at", "offer_id"
    ):
        occupied[coach_id].append(_Occupied(pk, Interval(blocked_from, blocked_until), starts_at, offer_id))
    return occupied


def _others_stay(session: CoachingSession, now: datetime) -> bool:
    """Tell whether a session still takes time when one of its seats moves out; a hold past its time does not stay."""
    return session.seats_taken > 1 and session.bookings.filter(_takes_a_seat(now)).count() > 1


def occupying(coach_ids: Collection[int], first: datetime, last: datetime, now: datetime) -> QuerySet[CoachingSession]:
    """Return the sessions that take these coaches' time in [first, last), buffers included; no hold past its time."""
    return CoachingSession.objects.filter(
        Q(held_until__isnull=True) | Q(held_until__gt=now),
        coach_id__in=coach_ids,
        blocked_until__gt=first,
        blocked_from__lt=last,
        status__in=OCCUPYING,
    )


def in_the_way(
    coach_id: int,
    blocked_from: datetime,
    blocked_until: datetime,
    now: datetime,
    *,
    leaving: CoachingSession | None = None,
) -> QuerySet[CoachingSession]:
    """Return the sessions that a new one with its buffers would overlap, in order of time.

    `leaving` is the session from which a seat moves there: it is in the way only while others stay in it. Hours, time
    off, notice and limits are not asked: this is for times that the coach names.
    """
    sessions = occupying([coach_id], blocked_from, blocked_until, now).order_by("starts_at")
    return sessions.exclude(pk=leaving.pk) if leaving is not None and not _others_stay(leaving, now) else sessions


def is_still_free(session: CoachingSession, *, now: datetime) -> bool:
    """Tell whether a session that was given up could stand where it was: not past, and nothing in its way.

    In a group that others kept, a seat has to be free; none is begun again once it was decided about. Notice, horizon
    and limits do not count: its student kept them when choosing the time.
    """
    if session.starts_at <= now or session.called_off_at is not None:
        return False
    if session.seats_taken:
        return session.seats_taken < session.offer.capacity
    if session.decide_at is not None and session.decide_at <= now:
        return False
    coach_ids = {session.coach_id}
    taken = _occupied(coach_ids, session.blocked_from, session.blocked_until, now, session)
    closed = availability.blackouts_of(coach_ids, range_from=session.starts_at, range_to=session.ends_at)
    return not taken[session.coach_id] and not closed[session.coach_id]


def nearest_slots(
    offer: Offer, *, length: timedelta, wanted: datetime, now: datetime, moving: CoachingSession | None = None
) -> list[datetime]:
    """Return the three free starts nearest to `wanted`, in order of time, at most two weeks away from it."""
    starts = open_slots(
        offer,
        length=length,
        range_from=max(now, wanted - _ALTERNATIVES_WITHIN),
        range_to=max(now, wanted) + _ALTERNATIVES_WITHIN,
        now=now,
        moving=moving,
    )
    if moving is not None:
        starts = [start for start in starts if start != moving.starts_at]
    return sorted(sorted(starts, key=lambda start: abs(start - wanted))[:_ALTERNATIVES])


def _to_keep(coach_id: int) -> QuerySet[CoachingSession]:
    """Return the sessions that a coach has promised, or may still promise because the request for them is paid."""
    asked = Booking.objects.filter(status=BookingStatus.PENDING_APPROVAL, coach=coach_id).values("session_id")
    return CoachingSession.objects.filter(Q(status__in=UPCOMING_SESSIONS) | Q(pk__in=asked), coach=coach_id)


def booked_sessions_within(coach: Coach, ranges: Collection[Interval]) -> list[tuple[CoachingSession, ...]]:
    """Return, for each range, the booked sessions that touch it, in order of time; one query for all of them."""
    if not ranges:
        return []
    sessions = _to_keep(coach.pk).filter(
        starts_at__lt=max(one.end for one in ranges), ends_at__gt=min(one.start for one in ranges)
    )
    found = list(sessions.select_related("offer").prefetch_related(live_seats()).order_by("starts_at"))
    return [
        tuple(session for session in found if session.starts_at < one.end and session.ends_at > one.start)
        for one in ranges
    ]


def live_seats() -> "Prefetch[str, QuerySet[Booking], str]":
    """Return what loads sessions with the bookings in them that were not given up, in order."""
    return Prefetch("bookings", Booking.objects.exclude(status__in=GONE).order_by("pk"))


def find_group(offer: Offer, starts_at: datetime, ends_at: datetime) -> CoachingSession | None:
    """Return the group session at exactly this time that people may join, if there is one; full ones too."""
    if offer.capacity == 1:
        return None
    groups = CoachingSession.objects.filter(offer=offer, starts_at=starts_at, ends_at=ends_at, capacity__gt=1)
    return groups.filter(status__in=JOINABLE, called_off_at=None).first()


def sessions_over_capacity(offer: Offer, *, now: datetime) -> int:
    """Count the groups to come in which more seats are taken than their offer has."""
    coming = CoachingSession.objects.filter(offer=offer, capacity__gt=1, status__in=JOINABLE, starts_at__gt=now)
    return coming.filter(seats_taken__gt=offer.capacity).count()


def sessions_outside_hours(schedule: Schedule, *, now: datetime) -> list[CoachingSession]:
    """Return the booked sessions to come that the hours of their schedule no longer hold, in order of time.

    They stay booked; their coach may want to move or cancel them. Five queries, whatever their number.
    """
    uses = Q(offer__schedule=schedule) | (Q(offer__schedule=None) if schedule.is_default else Q(pk=None))
    coming = _to_keep(schedule.coach_id).filter(uses, starts_at__gt=now)
    found = list(coming.select_related("offer").prefetch_related(live_seats()).order_by("starts_at"))
    hours = availability.hours_of([schedule.coach_id]).by_schedule[schedule.pk] if found else None
    return [session for session in found if hours is not None and not _holds(hours, session)]


def _holds(hours: EngineSchedule, session: CoachingSession) -> bool:
    query = SlotQuery(
        hours,
        Rules(duration=session.ends_at - session.starts_at, increment=_ONE_MINUTE),
        now=session.starts_at,
        range_from=session.starts_at,
        range_to=session.starts_at + _ONE_SECOND,
    )
    return bool(engine_explain(query, session.starts_at).openings)


def manage_token(booking: Booking) -> str:
    """Return the token of the booking's manage link; the same every time."""
    return sign_ref(booking.ref, purpose=MANAGE_PURPOSE)


def get_booking_by_token(token: str) -> Booking:
    """Return the booking whose manage token this is. Raises: NotFoundError."""
    ref = read_signed_ref(token, purpose=MANAGE_PURPOSE)
    return _get(_by_ref(ref or ""))


def answer_token(booking: Booking) -> str:
    """Return the token with which the coach answers a request without signing in; the same every time."""
    return sign_ref(booking.ref, purpose=ANSWER_PURPOSE)


def get_booking_to_answer(token: str) -> Booking:
    """Return the booking whose answer token this is. Raises: NotFoundError."""
    return _get(_by_ref(read_signed_ref(token, purpose=ANSWER_PURPOSE) or ""))


def find_booking_by_token(token: str) -> Booking | None:
    """Return the booking whose manage token this is, if it is a genuine one."""
    ref = read_signed_ref(token, purpose=MANAGE_PURPOSE)
    return _whole(Booking.objects.filter(ref=ref)).first() if ref else None


def find_earlier_booking(booking: Booking) -> Booking | None:
    """Return what the holder of a booking had booked with the same coach before, the latest, or None.

    Known by the same account or hold cookie alone: a link can be passed on, and an address can be somebody else's.
    """
    earlier = Booking.objects.filter(holder=booking.holder, coach=booking.coach_id, confirmed_at__isnull=False)
    return earlier.exclude(pk=booking.pk).order_by("-pk").first()


def find_seat(user: User, session_ref: str) -> Booking | None:
    """Return this user's booking in a session, or for its coach the latest one in it."""
    given_up = Case(When(status__in=GONE, then=1), default=0)
    return _whole(Booking.objects.filter(_is_seen_by(user), session__ref=session_ref)).order_by(given_up, "-pk").first()


def may_have_left(booking: Booking, session_ref: str) -> bool:
    """Tell whether a booking that moved can have come from this group: links that were mailed before still name it."""
    if not booking.sequence or not (session_ref.isascii() and session_ref.isprintable()):
        return False
    groups = CoachingSession.objects.filter(offer=booking.session.offer, capacity__gt=1)
    return groups.filter(ref=session_ref).exists()


def bookings_of_student(user: User, *, now: datetime) -> QuerySet[Booking]:
    """Return what somebody booked or still pays: what is ahead, the soonest first; then the rest, the latest first."""
    waits = Q(status=BookingStatus.PENDING_APPROVAL) | Q(status=BookingStatus.PENDING_PAYMENT, cancelled_by="")
    mine = Booking.objects.filter(Q(confirmed_at__isnull=False) | waits, student=user)
    ahead = Case(When(~Q(status__in=GONE), session__ends_at__gt=now, then="session__starts_at"))
    return _whole(mine).order_by(ahead.asc(nulls_last=True), "-session__starts_at", "-pk")


def get_booking_for(user: User, ref: str) -> Booking:
    """Return a booking that this user may see, as its student or its coach. Raises: NotFoundError."""
    return _get(_by_ref(ref).filter(_is_seen_by(user)))


def bookings_for(user: User) -> QuerySet[Booking]:
    """Return all bookings that this user may see, as their student or their coach; the latest session first."""
    return _whole(Booking.objects.filter(_is_seen_by(user))).order_by("-session__starts_at", "-pk")


def _is_seen_by(user: User) -> Q:
    return Q(student=user) | Q(coach__user=user)


def get_booking_of_holder(holder: str, ref: str) -> Booking:
    """Return a booking by the person who holds it. Raises: NotFoundError."""
    return _get(_by_ref(ref).filter(holder=holder))


def _by_ref(ref: str) -> QuerySet[Booking]:
    # An address may carry what PostgreSQL refuses to compare: NUL, halves of surrogate pairs.
    return Booking.objects.filter(ref=ref) if ref.isascii() and ref.isprintable() else Booking.objects.none()


def _get(bookings: QuerySet[Booking]) -> Booking:
    booking = _whole(bookings).first()
    if booking is None:
        raise NotFoundError("We could not find this booking. Check the link, or ask for a new one.")
    return booking


def _whole(bookings: QuerySet[Booking]) -> QuerySet[Booking]:
    return bookings.select_related(
        "session__offer__schedule",
        "session__offer__coach",
        "coach__user",
        "order",
        "student",
        "discord_identity",
        "topic",
    )


def lock_session(session_id: int) -> CoachingSession:
    """Lock one session for this transaction; after its coach (law 2)."""
    return CoachingSession.objects.select_for_update(no_key=True).get(pk=session_id)


def lock_booking(booking_id: int) -> Booking:
    """Lock one booking for this transaction; after its session (law 2)."""
    return Booking.objects.select_for_update(no_key=True).get(pk=booking_id)
