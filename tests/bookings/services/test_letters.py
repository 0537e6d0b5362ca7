from collections.abc import Callable
from datetime import datetime, timedelta

from tests.bookings.steps import GUEST, at, confirmed, mails, pending

from greenroom.bookings import services
from greenroom.bookings.links import manage_url
from greenroom.catalog.models import Offer
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.jobs.models import Job
from greenroom.notifications.models import Message


def test_mail_manage_links_sends_every_coming_session_in_order(
    offer: Offer, now: datetime, run_jobs: Callable[..., None]
) -> None:
    later, sooner = confirmed(offer, at(15)), confirmed(offer, at(9))
    cancelled = confirmed(offer, at(18))
    services.cancel_booking(booking=cancelled, actor=GUEST, now=now)
    pending(offer, at(20))
    run_jobs()
    DeliveredMail.objects.all().delete()

    services.mail_manage_links(email="Ann@Example.org", now=now)
    run_jobs()

    [mail] = DeliveredMail.objects.all()
    assert (mail.to, mail.subject) == ("ann@example.org", "Your links to your sessions")
    links = [line for line in mail.text.splitlines() if line.startswith("http")]
    assert links == [manage_url(sooner), manage_url(later)]
    assert "A call, Wed 4 Mar, 10:00 Berlin time:" in mail.text


def test_mail_manage_links_of_a_session_that_is_over_are_not_sent(offer: Offer, run_jobs: Callable[..., None]) -> None:
    confirmed(offer)
    run_jobs(at(13))
    before = len(mails())

    services.mail_manage_links(email="ann@example.org", now=at(13))
    run_jobs()

    assert len(mails()) == before


def test_mail_manage_links_for_an_unknown_address_plans_the_same_and_sends_nothing(
    offer: Offer, now: datetime, run_jobs: Callable[..., None]
) -> None:
    confirmed(offer)
    planned = Message.objects.count()

    services.mail_manage_links(email="ann@example.org", now=now)
    services.mail_manage_links(email="nobody@example.org", now=now)

    rows = list(Message.objects.order_by("pk")[planned:])
    assert [(row.kind, row.subject_id, row.to) for row in rows] == [
        ("bookings.manage_links", 0, "ann@example.org"),
        ("bookings.manage_links", 0, "nobody@example.org"),
    ]
    jobs = Job.objects.filter(key__contains="manage_links").values_list("due_at", "expires_at")
    assert set(jobs) == {(now, now + timedelta(hours=2))}
    run_jobs()
    assert mails("nobody@example.org") == []
    rows[1].refresh_from_db()
    assert rows[1].state == "skipped"
