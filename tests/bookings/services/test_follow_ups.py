"""Who is mailed what, and when."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.bookings.steps import (
    COACH,
    GUEST,
    HOUR,
    at,
    confirmed,
    describe,
    fresh,
    give_money,
    hold,
    mails,
    pending,
    settle,
    start_payment,
)
from tests.factories.bookings import make_offer
from tests.factories.clock import SettableClock

from greenroom.bookings import services
from greenroom.catalog.models import Offer
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.jobs.models import Job, JobState
from greenroom.notifications.models import Message

ANN, MAYA = "ann@example.org", "maya@example.org"


def sent() -> list[tuple[str, str, datetime]]:
    return list(DeliveredMail.objects.order_by("sent_at", "to").values_list("to", "subject", "sent_at"))


def test_confirmed_booking_mails_both_now_a_day_before_and_an_hour_before(
    offer: Offer, now: datetime, run_jobs: Callable[..., None]
) -> None:
    confirmed(offer)

    run_jobs(at(20))

    assert sent() == [
        (ANN, "Booked: A call, Wed 4 Mar, 13:00 Berlin time", now),
        (MAYA, "New booking: Ann Guest, Wed 4 Mar, 12:00 UTC", now),
        (ANN, "In 24 hours: A call with Coach maya", at(12, day=3)),
        (MAYA, "In 24 hours: A call with Ann Guest", at(12, day=3)),
        (ANN, "In 1 hour: A call with Coach maya", at(11)),
        (MAYA, "In 1 hour: A call with Ann Guest", at(11)),
    ]


@pytest.mark.parametrize(
    ("starts_at", "names"),
    [
        (at(10, day=3), ["1h"]),
        (at(10, 30, day=3), ["1h", "24h"]),
        (at(11, day=2), []),
        (at(11, 30, day=2), ["1h"]),
    ],
)
def test_reminders_are_planned_only_when_their_time_is_still_ahead(
    offer: Offer, starts_at: datetime, names: list[str]
) -> None:
    confirmed(offer, starts_at)

    for before in ("bookings.reminder_", "bookings.session_reminder_"):
        keys = Message.objects.filter(key__startswith=before).values_list("key", flat=True)
        assert sorted(key.removeprefix(before).partition("h")[0] + "h" for key in keys) == names


def test_reminders_expire_when_they_are_no_longer_useful(offer: Offer) -> None:
    confirmed(offer)

    ends = {
        job.key.partition("send_message:bookings.")[2].partition(":")[0]: job.expires_at
        for job in Job.objects.filter(key__contains="reminder_")
    }
    assert ends == {
        "reminder_24h_student": at(11),
        "session_reminder_24h": at(11),
        "reminder_1h_student": at(12) - timedelta(minutes=5),
        "session_reminder_1h": at(12) - timedelta(minutes=5),
    }


def test_reminder_that_could_not_be_sent_in_time_is_never_sent(
    offer: Offer, run_jobs: Callable[..., None], frozen_clock: SettableClock
) -> None:
    confirmed(offer)
    run_jobs()
    before = len(mails())

    frozen_clock.set(at(12) - timedelta(minutes=4))
    run_jobs()

    assert len(mails()) == before
    assert Job.objects.filter(key__contains="reminder_", state=JobState.EXPIRED).count() == 4


def test_reminders_are_not_for_those_who_do_not_want_them(offer: Offer, run_jobs: Callable[..., None]) -> None:
    booking = describe(hold(offer), wants_reminders=False)
    start_payment(booking)
    give_money(booking)
    settle(booking)

    run_jobs(at(13))

    assert mails(ANN) == ["Booked: A call, Wed 4 Mar, 13:00 Berlin time"]
    assert len(mails(MAYA)) == 3
    assert Message.objects.filter(state="skipped").count() == 2


def test_reminders_of_a_cancelled_session_are_not_sent(
    offer: Offer, now: datetime, run_jobs: Callable[..., None]
) -> None:
    booking = confirmed(offer)
    run_jobs()
    services.cancel_booking(booking=booking, actor=GUEST, now=now, reason="Ill")

    run_jobs(at(13))

    assert mails(ANN) == [
        "Booked: A call, Wed 4 Mar, 13:00 Berlin time",
        "Cancelled: A call, Wed 4 Mar, 13:00 Berlin time",
    ]
    assert mails(MAYA)[1:] == ["Cancelled: A call, Wed 4 Mar, 12:00 UTC"]


def test_reminder_that_was_already_claimed_says_nothing_about_a_cancelled_session(
    offer: Offer, now: datetime, run_jobs: Callable[..., None]
) -> None:
    booking = confirmed(offer)
    run_jobs()
    services.cancel_booking(booking=booking, actor=GUEST, now=now)
    Message.objects.filter(kind__startswith="bookings.reminder").update(state="planned")
    Job.objects.filter(key__contains="reminder_").update(state=JobState.DUE, closed_at=None)
    run_jobs(at(13))

    assert not [subject for subject in mails() if subject.startswith("In ")]


def test_moved_session_mails_both_and_reminds_of_the_new_time_only(
    offer: Offer, now: datetime, run_jobs: Callable[..., None]
) -> None:
    booking = confirmed(offer)
    run_jobs()
    services.reschedule_booking(booking=booking, starts_at=at(15, day=6), actor=GUEST, now=now)

    run_jobs(at(18, day=6))

    assert [(subject, when) for to, subject, when in sent() if to == ANN][1:] == [
        ("New time: A call, Fri 6 Mar, 16:00 Berlin time", now),
        ("In 24 hours: A call with Coach maya", at(15, day=5)),
        ("In 1 hour: A call with Coach maya", at(14, day=6)),
    ]
    assert mails(MAYA)[1] == "New time: A call, Fri 6 Mar, 15:00 UTC"


def test_session_moved_twice_at_once_is_told_once_per_side(
    offer: Offer, now: datetime, run_jobs: Callable[..., None]
) -> None:
    booking = confirmed(offer)
    run_jobs()
    for hour in (14, 16):
        services.reschedule_booking(booking=booking, starts_at=at(hour), actor=GUEST, now=now)

    run_jobs()

    assert mails(ANN)[1:] == ["New time: A call, Wed 4 Mar, 17:00 Berlin time"]
    assert mails(MAYA)[1:] == ["New time: A call, Wed 4 Mar, 16:00 UTC"]


def test_booking_cancelled_before_its_first_mail_went_out_is_told_as_cancelled_only(
    offer: Offer, now: datetime, run_jobs: Callable[..., None]
) -> None:
    services.cancel_booking(booking=confirmed(offer), actor=COACH, now=now)

    run_jobs()

    assert [subject.split(":")[0] for subject in mails()] == ["Cancelled", "Cancelled"]


def test_hold_that_ends_unpaid_mails_nobody(offer: Offer, run_jobs: Callable[..., None]) -> None:
    pending(offer)

    run_jobs(at(20))

    assert mails() == []


def test_free_session_is_mailed_like_a_paid_one(db: None, run_jobs: Callable[..., None]) -> None:  # noqa: ARG001 -- it writes
    start_payment(describe(hold(make_offer(price_minor=0))))

    run_jobs()

    assert mails(ANN) == ["Booked: A call, Wed 4 Mar, 13:00 Berlin time"]
    assert "Price" not in DeliveredMail.objects.get(to=ANN).text


def test_room_is_looked_at_by_one_row_for_the_sessions_life(offer: Offer, now: datetime) -> None:
    booking = confirmed(offer)
    services.reschedule_booking(booking=booking, starts_at=at(15), actor=GUEST, now=now)
    services.cancel_booking(booking=booking, actor=COACH, now=now + HOUR)

    [job] = Job.objects.filter(kind="rooms.reconcile")
    session = fresh(booking).session
    assert (job.key, job.payload, job.due_at) == (
        f"rooms.reconcile:{session.pk}",
        {"session_id": session.pk},
        now + HOUR,
    )
