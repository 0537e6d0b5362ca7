"""The mails about a booking. Each is built when it is sent, from what is true then; None means: say nothing."""

from datetime import datetime

from greenroom.bookings import links
from greenroom.bookings.calendars import Method, coach_file, student_file
from greenroom.bookings.models import Booking, CoachingSession
from greenroom.bookings.types import UNPAID, UPCOMING, UPCOMING_SESSIONS, BookingStatus, Party, SessionStatus
from greenroom.catalog.types import Venue
from greenroom.core.actors import ActorKind
from greenroom.core.money import Money
from greenroom.integrations.mail.protocol import Attachment
from greenroom.notifications import display
from greenroom.notifications.display import Viewer
from greenroom.notifications.letters import Action, Letter, render
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content
from greenroom.orders.policies import already_words, steps_ahead
from greenroom.orders.rules import capped_tiers
from greenroom.payments.queries import has_held_refund, order_money, was_paid_by_hand

_STUDENTS = {ActorKind.GUEST, ActorKind.STUDENT}
_VENUES = {
    Venue.DISCORD: "A private Discord room, opened before the session",
    Venue.VIDEO: "Video call",
    Venue.IN_PERSON: "In person",
}


def confirmed_student(message: Message, now: datetime) -> Content | None:
    """Tell the student that the session is booked, with a calendar entry."""
    booking = _find(message)
    if booking is None or booking.status not in UPCOMING:
        return None
    letter = Letter(
        subject=f"Booked: {_title(booking)}, {_short(booking, Party.STUDENT)}",
        opening=f"Your session with {booking.coach.display_name} is booked.",
        facts=(*_facts(booking, Party.STUDENT), *_refund_terms(booking, now)),
        actions=_student_actions(booking),
        attachments=(student_file(booking, method=Method.REQUEST, now=now),),
    )
    return render(letter)


def confirmed_coach(message: Message, now: datetime) -> Content | None:
    """Tell the coach of a new booking, with what the student wrote."""
    booking = _find(message)
    if booking is None or booking.status not in UPCOMING:
        return None
    letter = Letter(
        subject=f"New booking: {booking.contact_name}, {_short(booking, Party.COACH)}",
        opening=f"{booking.contact_name} booked “{_title(booking)}”.",
        facts=(*_facts(booking, Party.COACH), *_answers(booking)),
        actions=(Action("Open the session", links.session_page_url(booking.session)),),
        attachments=(coach_file(booking.session, method=Method.REQUEST, now=now),),
    )
    return render(letter)


def asked_student(message: Message, _now: datetime) -> Content | None:
    """Tell the student that the coach has been asked, and what happens otherwise."""
    booking = _find_asked(message)
    if booking is None:
        return None
    letter = Letter(
        subject=f"Asked: {_title(booking)}, {_short(booking, Party.STUDENT)}",
        opening=f"{booking.coach.display_name} now decides about your booking.",
        facts=(*_facts(booking, Party.STUDENT), ("You hear from us by", _deadline(booking, Party.STUDENT))),
        paragraphs=("If the answer is no, or none comes, everything you paid goes back. You can withdraw until then.",),
        actions=(Action("See or withdraw", links.manage_url(booking)),),
    )
    return render(letter)


def asked_coach(message: Message, _now: datetime) -> Content | None:
    """Ask the coach for an answer; the link opens a page, and only its buttons decide."""
    booking = _find_asked(message)
    if booking is None:
        return None
    letter = Letter(
        subject=f"Yes or no? {booking.contact_name}, {_short(booking, Party.COACH)}",
        opening=f"{booking.contact_name} would like to book “{_title(booking)}”.",
        facts=(
            *_facts(booking, Party.COACH),
            ("Answer by", _deadline(booking, Party.COACH)),
            *_answers(booking),
        ),
        paragraphs=("The time is kept until then. Without an answer the student gets everything back.",),
        actions=(Action("Accept or decline", links.answer_url(booking)),),
    )
    return render(letter)


def declined_student(message: Message, _now: datetime) -> Content | None:
    """Tell the student that the coach said no."""
    return _refused(message, "cannot take your booking")


def unanswered_student(message: Message, _now: datetime) -> Content | None:
    """Tell the student that the coach did not answer."""
    return _refused(message, "did not answer in time")


def unanswered_coach(message: Message, _now: datetime) -> Content | None:
    """Tell the coach what became of a request they did not answer."""
    booking = _find(message)
    if booking is None:
        return None
    letter = Letter(
        subject=f"Not answered: {booking.contact_name}, {_short(booking, Party.COACH)}",
        opening=f"You did not answer {booking.contact_name} in time, so the booking is off and the time is free.",
        facts=_facts(booking, Party.COACH),
    )
    return render(letter)


def moved_student(message: Message, now: datetime) -> Content | None:
    """Confirm the new time to the student; the calendar entry updates itself."""
    return _moved(message, now, Party.STUDENT)


def moved_coach(message: Message, now: datetime) -> Content | None:
    """Tell the coach of the new time."""
    return _moved(message, now, Party.COACH)


def move_request(message: Message, now: datetime) -> Content | None:
    """Tell the coach that a student asks for another time, with the page on which to propose some."""
    booking = _find(message)
    if booking is None or not booking.move_request or not _is_ahead(booking, now):
        return None
    letter = Letter(
        subject=f"Another time? {booking.contact_name}, {_short(booking, Party.COACH)}",
        opening=f"{booking.contact_name} asks for another time and may not choose one alone any more.",
        facts=(*_facts(booking, Party.COACH), ("They write", booking.move_request)),
        paragraphs=("The session stays where it is unless you propose other times.",),
        actions=(Action("Propose other times", links.propose_url(booking)),),
    )
    return render(letter)


def invited_student(message: Message, now: datetime) -> Content | None:
    """Send a client the link to pay what the coach booked for them, while the time is kept."""
    booking = _find(message)
    if booking is None or booking.status not in UNPAID or now >= booking.hold_expires_at:
        return None
    viewer = _viewer(booking, Party.STUDENT)
    letter = Letter(
        subject=f"For you: {_title(booking)}, {_short(booking, Party.STUDENT)}",
        opening=f"{booking.coach.display_name} keeps a time for you. It is yours once it is paid.",
        facts=(*_facts(booking, Party.STUDENT), ("Kept until", display.moment(booking.hold_expires_at, viewer))),
        paragraphs=("Without a payment until then the time is free again, and nothing is owed.",),
        actions=(Action("Look at it and pay", links.checkout_url(booking)),),
    )
    return render(letter)


def proposed_student(message: Message, now: datetime) -> Content | None:
    """Ask the student to choose one of the coach's times; each link opens a page, and only its button moves."""
    booking = _find(message)
    if booking is None or not booking.proposed_times or not _is_ahead(booking, now):
        return None
    viewer = _viewer(booking, Party.STUDENT)
    letter = Letter(
        subject=f"Another time? {_title(booking)}, {_short(booking, Party.STUDENT)}",
        opening=f"{booking.coach.display_name} asks you to choose another time for your session.",
        facts=(
            *_facts(booking, Party.STUDENT),
            *((("Note", booking.proposal_note),) if booking.proposal_note else ()),
        ),
        paragraphs=(
            "Until you choose, the session stays where it is.",
            "None of them suits? Choose any other free time, or cancel: then everything you paid comes back.",
        ),
        actions=(
            *(
                Action(display.moment_short(start, viewer), links.move_url(booking, start))
                for start in booking.proposals
            ),
            Action("Another time, or cancel", links.manage_url(booking)),
        ),
    )
    return render(letter)


def cancelled_student(message: Message, now: datetime) -> Content | None:
    """Confirm a cancellation to the student and say what goes back."""
    return _cancelled(message, now, Party.STUDENT)


def cancelled_coach(message: Message, now: datetime) -> Content | None:
    """Tell the coach that the time is free again."""
    return _cancelled(message, now, Party.COACH)


def reminder_student(message: Message, now: datetime) -> Content | None:
    """Remind the student, unless the session is off, has begun, or reminders are not wanted."""
    booking = _find(message)
    if booking is None or not booking.wants_reminders or not _is_ahead(booking, now):
        return None
    return _reminder(booking, now, Party.STUDENT, _student_actions(booking))


def session_reminder(message: Message, now: datetime) -> Content | None:
    """Remind the coach of a session, once however many students it has, unless it is off or has begun."""
    booked = Booking.objects.filter(session=message.subject_id, status__in=UPCOMING).order_by("pk")
    booking = booked.select_related("session__offer", "coach__user", "order", "student").first()
    if booking is None or not _is_ahead(booking, now):
        return None
    return _reminder(booking, now, Party.COACH, (Action("Open the session", links.session_page_url(booking.session)),))


def session_off(message: Message, now: datetime) -> Content | None:
    """Tell the coach that a whole session is off, and why."""
    session = CoachingSession.objects.select_related("offer", "coach__user").filter(pk=message.subject_id).first()
    if session is None or session.status in UPCOMING_SESSIONS:
        return None
    viewer = Viewer(session.coach.user.time_zone)
    letter = Letter(
        subject=f"Off: {session.offer.title}, {display.moment_short(session.starts_at, viewer)}",
        opening=f"“{session.offer.title}” does not take place at this time: nobody is in it any more.",
        facts=(
            ("When", display.interval(session.starts_at, session.ends_at, viewer)),
            *((("Reason", session.called_off_reason),) if session.called_off_reason else ()),
        ),
        attachments=(coach_file(session, method=Method.CANCEL, now=now),),
    )
    return render(letter)


def unfulfillable(message: Message, _now: datetime) -> Content | None:
    """Tell a student whose payment came too late that all of it goes back, and where to choose another time."""
    booking = _find(message)
    if booking is None:
        return None
    letter = Letter(
        subject=f"Your payment goes back: {_title(booking)}",
        opening="Your payment arrived after the time was gone. We are sorry, and all of it goes back to you.",
        facts=_facts(booking, Party.STUDENT),
        paragraphs=(f"The refund is on its way; {_when_it_shows(booking)}.",),
        actions=(Action("Choose another time", links.rebook_url(booking)),),
    )
    return render(letter)


def sent_back(message: Message, now: datetime) -> Content | None:
    """Tell a student that a payment which did not count goes back, and what that means for the time."""
    booking = _find(message)
    if booking is None:
        return None
    action = Action("Choose another time", links.rebook_url(booking))
    after = "This time is not booked."
    if booking.status in UNPAID and now < booking.hold_expires_at:
        action, after = (
            Action("Pay again", links.checkout_url(booking)),
            "This time is not booked yet: please pay again.",
        )
    elif booking.status in {*UPCOMING, BookingStatus.PENDING_APPROVAL}:
        action, after = Action("See your session", links.manage_url(booking)), "Your session stays as it is."
    letter = Letter(
        subject=f"A payment goes back: {_title(booking)}",
        opening="We received a payment that we could not count, and all of it goes back to you.",
        facts=_facts(booking, Party.STUDENT),
        paragraphs=(
            f"Either it was not the amount that was agreed, or the session had been paid already. {after}",
            f"The refund is on its way; {_when_it_shows(booking)}.",
        ),
        actions=(action,),
    )
    return render(letter)


def manage_links(message: Message, now: datetime) -> Content | None:
    """Send all links to a person's coming sessions to the address they were booked with."""
    bookings = Booking.objects.filter(
        contact_email=message.to, status__in=(*UPCOMING, BookingStatus.PENDING_APPROVAL), session__ends_at__gt=now
    ).select_related("session__offer", "coach")
    if not bookings:
        return None
    letter = Letter(
        subject="Your links to your sessions",
        opening="You asked for the links to your sessions.",
        paragraphs=("If you did not ask, you can ignore this mail: nobody else has seen it.",),
        actions=tuple(
            Action(f"{_title(booking)}, {_short(booking, Party.STUDENT)}", links.manage_url(booking))
            for booking in bookings.order_by("session__starts_at")
        ),
    )
    return render(letter)


def _refused(message: Message, what: str) -> Content | None:
    booking = _find(message)
    if booking is None or booking.status != BookingStatus.CANCELLED:
        return None
    letter = Letter(
        subject=f"Not booked: {_title(booking)}, {_short(booking, Party.STUDENT)}",
        opening=f"{booking.coach.display_name} {what}. We are sorry.",
        facts=(*_facts(booking, Party.STUDENT), *((("Reason", booking.reason),) if booking.reason else ())),
        paragraphs=_refund_words(booking),
        actions=(Action("Choose another time", links.rebook_url(booking)),),
    )
    return render(letter)


def _find_asked(message: Message) -> Booking | None:
    booking = _find(message)
    return booking if booking is not None and booking.status == BookingStatus.PENDING_APPROVAL else None


def _deadline(booking: Booking, party: Party) -> str:
    return display.moment(booking.approve_by, _viewer(booking, party)) if booking.approve_by else ""


def _find(message: Message) -> Booking | None:
    bookings = Booking.objects.select_related("session__offer", "coach__user", "order", "student")
    return bookings.filter(pk=message.subject_id).first()


def _moved(message: Message, now: datetime, party: Party) -> Content | None:
    booking = _find(message)
    if booking is None or booking.status not in UPCOMING:
        return None
    coach_actions = (Action("Open the session", links.session_page_url(booking.session)),)
    note = (("Note", booking.move_reason),) if booking.move_reason else ()
    letter = Letter(
        subject=f"New time: {_title(booking)}, {_short(booking, party)}",
        opening=f"The session with {_other(booking, party)} has a new time.",
        facts=(*_facts(booking, party), *(_refund_terms(booking, now) if party is Party.STUDENT else note)),
        actions=_student_actions(booking) if party is Party.STUDENT else coach_actions,
        attachments=(_calendar(booking, party, Method.REQUEST, now),),
    )
    return render(letter)


def _cancelled(message: Message, now: datetime, party: Party) -> Content | None:
    booking = _find(message)
    if booking is None or booking.status != BookingStatus.CANCELLED:
        return None
    reason = (("Reason", booking.reason),) if booking.reason else ()
    letter = Letter(
        subject=f"Cancelled: {_title(booking)}, {_short(booking, party)}",
        opening=_who_cancelled(booking, party),
        facts=(*_facts(booking, party), *reason),
        paragraphs=_refund_words(booking) if party is Party.STUDENT else (),
        actions=(Action("Choose another time", links.rebook_url(booking)),) if party is Party.STUDENT else (),
        attachments=(_calendar(booking, party, Method.CANCEL, now),) if _leaves_calendar(booking, party) else (),
    )
    return render(letter)


def _calendar(booking: Booking, party: Party, method: Method, now: datetime) -> Attachment:
    if party is Party.COACH:
        return coach_file(booking.session, method=method, now=now)
    return student_file(booking, method=method, now=now)


def _leaves_calendar(booking: Booking, party: Party) -> bool:
    """Tell whether a calendar has an entry that goes: a group stays in the coach's while somebody is in it."""
    is_off = booking.session.status in {SessionStatus.CANCELLED, SessionStatus.EXPIRED}
    return booking.confirmed_at is not None and (party is Party.STUDENT or is_off)


def _who_cancelled(booking: Booking, party: Party) -> str:
    """Name the other side when it was they; nobody is told their own name, nor whose hands the staff's were."""
    other = _STUDENTS if party is Party.COACH else {ActorKind.COACH}
    if booking.cancelled_by in other:
        return f"{_other(booking, party)} cancelled the session."
    return f"Your session with {_other(booking, party)} is cancelled."


def _refund_words(booking: Booking) -> tuple[str, ...]:
    order = booking.order
    if order is None or not order.total_minor:
        return ()
    if not booking.refund_minor:
        already = already_words(order_money(order.ref, currency=order.currency))
        by_policy = "By the cancellation policy nothing is refunded."
        return (already or (by_policy if booking.cancelled_by in _STUDENTS else "Nothing is refunded."),)
    amount = display.money(Money(booking.refund_minor, order.currency))
    if has_held_refund(order.ref):
        return (
            f"{amount} goes back once your bank has decided about the payment, unless it gave you the money itself.",
        )
    return (f"{amount} goes back the way you paid; {_when_it_shows(booking)}.",)


def _when_it_shows(booking: Booking) -> str:
    """Say how long money takes that goes back: by hand a person sends it first."""
    if booking.order is not None and was_paid_by_hand(booking.order.ref):
        return "somebody sends it by hand within a few days"
    return "banks usually show it within five to ten days"


def _reminder(booking: Booking, now: datetime, party: Party, actions: tuple[Action, ...]) -> Content:
    soon = display.relative(booking.session.starts_at, now)
    letter = Letter(
        subject=f"{soon[:1].upper()}{soon[1:]}: {_title(booking)} with {_company(booking, party)}",
        opening=f"Your session with {_company(booking, party)} begins {soon}.",
        facts=_facts(booking, party),
        actions=actions,
    )
    return render(letter)


def _is_ahead(booking: Booking, now: datetime) -> bool:
    return booking.status in UPCOMING and now < booking.session.starts_at


def _title(booking: Booking) -> str:
    return booking.session.offer.title


def _other(booking: Booking, party: Party) -> str:
    return booking.contact_name if party is Party.COACH else booking.coach.display_name


def _company(booking: Booking, party: Party) -> str:
    """Name who is met: the coach, the student, or how many when they are several."""
    if party is Party.STUDENT or not booking.session.is_group:
        return _other(booking, party)
    return f"a group of {booking.session.seats_taken}"


def _viewer(booking: Booking, party: Party) -> Viewer:
    return Viewer(booking.coach.user.time_zone if party is Party.COACH else booking.contact_tz)


def _short(booking: Booking, party: Party) -> str:
    return display.moment_short(booking.session.starts_at, _viewer(booking, party))


def _facts(booking: Booking, party: Party) -> tuple[tuple[str, str], ...]:
    session, viewer = booking.session, _viewer(booking, party)
    facts = [("When", display.interval(session.starts_at, session.ends_at, viewer))]
    other = _viewer(booking, Party.STUDENT if party is Party.COACH else Party.COACH)
    if other.tz != viewer.tz:
        label = "For your coach" if party is Party.STUDENT else "For your student"
        facts.append((label, display.moment(session.starts_at, other)))
    if session.is_group:
        facts.append(("Group", _group(session, party)))
    facts.append(("Where", _VENUES[Venue(session.venue)]))
    if booking.order is not None and booking.order.total_minor:
        facts.append(("Price", display.money(booking.order.total)))
    return tuple(facts)


def _group(session: CoachingSession, party: Party) -> str:
    """Say how big a group is; students are not told who else is in it."""
    if party is Party.COACH:
        return f"{session.seats_taken} of {session.capacity} seats taken"
    words = f"Up to {session.capacity} people"
    return f"{words}; it takes place with at least {session.min_seats}" if session.min_seats > 1 else words


def _refund_terms(booking: Booking, now: datetime) -> tuple[tuple[str, str], ...]:
    """Say until when cancelling brings how much back, by the policy frozen on the order; nothing for what is free."""
    if booking.order is None or not booking.order.total_minor:
        return ()
    viewer = _viewer(booking, Party.STUDENT)
    tiers = capped_tiers(booking.order.refund_tiers, booking.refund_cap_percent)
    ahead = steps_ahead(tiers, starts_at=booking.session.starts_at, now=now)
    if not ahead:
        return (("If you cancel", "Nothing is refunded any more"),)
    return tuple((f"{percent} % back until", display.moment(until, viewer)) for percent, until in ahead)


def _answers(booking: Booking) -> tuple[tuple[str, str], ...]:
    written = [("Goals", booking.goals), ("Notes", booking.notes)]
    written += [(answer["question"], answer["answer"]) for answer in booking.answers]
    return tuple((label, text) for label, text in written if text)


def _student_actions(booking: Booking) -> tuple[Action, ...]:
    return (
        Action("Session page", links.session_url(booking)),
        Action("Change or cancel", links.manage_url(booking)),
    )
