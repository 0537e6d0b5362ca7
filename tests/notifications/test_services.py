"""Mails are rows first, built when they are sent, and sent once."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.factories.clock import SettableClock
from tests.factories.processes import run_python

from greenroom.config.wiring import JOB_HANDLERS, MESSAGE_BUILDERS
from greenroom.core.faults import FAULT_POINTS, KILLED_STATUS
from greenroom.core.transactions import NetworkCallInTransactionError, unit_of_work
from greenroom.integrations.mail.protocol import Attachment, MailRefusedError, MailUnavailableError
from greenroom.integrations.mail.sandbox import transport
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.faults import Seam
from greenroom.jobs import registry
from greenroom.jobs.models import Job, JobState, Run
from greenroom.notifications import builders, services
from greenroom.notifications.letters import Action, Letter, render
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content, NewMessage

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
FILE = Attachment("a.ics", "text/calendar", b"BEGIN:VCALENDAR")


@pytest.fixture(autouse=True)
def table(frozen_clock: SettableClock) -> Iterator[None]:  # noqa: ARG001 -- the mailbox reads the clock
    """Know two kinds of message, and only those."""
    builders.use({"test.hello": hello, "test.nothing": lambda _message, _now: None})
    yield
    builders.use(MESSAGE_BUILDERS)


@pytest.fixture
def send_job(handlers: None) -> None:  # noqa: ARG001 -- restores the table
    """Register the handler of messages alone."""
    registry.use({"notifications.send_message": JOB_HANDLERS["notifications.send_message"]})


@pytest.fixture
def arm() -> Iterator[Callable[[str], None]]:
    """Return a function that arms one fault of the mail server once."""
    known = faults.known_faults()
    faults.use({**known, Seam.MAIL: transport.FAULTS})
    yield lambda name: faults.arm(seam="mail", fault=name, count=1)
    faults.use(known)


def hello(message: Message, now: datetime) -> Content:
    return Content(f"Hello {message.subject_id}\nBcc: eve@example.org", f"It is {now:%H:%M}.", "<p>Hi</p>", (FILE,))


def plan(now: datetime, *, kind: str = "test.hello", key: str = "hello:1", **values: datetime) -> Message:
    return services.plan_message(
        NewMessage(kind, key, "ann@example.org", 7, values.pop("due_at", now), **values), now=now
    )


def test_plan_message_writes_a_row_and_its_job(frozen_clock: SettableClock) -> None:
    now = frozen_clock()

    message = plan(now, due_at=now + HOUR, expires_at=now + 2 * HOUR)

    message.refresh_from_db()
    assert (message.kind, message.key, message.to, message.subject_id) == (
        "test.hello",
        "hello:1",
        "ann@example.org",
        7,
    )
    assert (message.state, message.created_at, message.closed_at) == ("planned", now, None)
    assert message.message_id.startswith("<")
    assert message.message_id.endswith("@localhost>")
    [job] = Job.objects.all()
    assert (job.kind, job.key, job.payload) == (
        "notifications.send_message",
        "notifications.send_message:hello:1",
        {"message_id": message.pk},
    )
    assert (job.due_at, job.expires_at) == (now + HOUR, now + 2 * HOUR)
    assert str(message) == "test.hello to ann@example.org"
    assert not DeliveredMail.objects.exists()


def test_plan_message_with_a_known_key_changes_nothing(frozen_clock: SettableClock) -> None:
    first = plan(frozen_clock())

    again = plan(frozen_clock(), kind="test.nothing")

    assert (again.pk, again.message_id, again.kind) == (first.pk, first.message_id, "test.hello")
    assert (Message.objects.count(), Job.objects.count()) == (1, 1)


def test_send_message_builds_it_from_what_is_true_now_and_closes_it(frozen_clock: SettableClock) -> None:
    message = plan(frozen_clock())
    now = frozen_clock.advance(HOUR)

    services.send_message(message, now=now)

    mail = DeliveredMail.objects.get()
    assert (mail.message_id, mail.to, mail.subject) == (
        message.message_id,
        "ann@example.org",
        "Hello 7 Bcc: eve@example.org",
    )
    assert (mail.text, mail.html, mail.sent_at) == ("It is 11:00.", "<p>Hi</p>", now)
    assert mail.attachments == [{"name": "a.ics", "type": "text/calendar", "content": "QkVHSU46VkNBTEVOREFS"}]
    message.refresh_from_db()
    assert (message.state, message.closed_at) == ("sent", now)


def test_send_message_again_sends_nothing(frozen_clock: SettableClock) -> None:
    message = plan(frozen_clock())
    services.send_message(message, now=frozen_clock())

    services.send_message(Message.objects.get(), now=frozen_clock())

    assert DeliveredMail.objects.count() == 1


def test_send_message_that_has_nothing_to_say_is_skipped(frozen_clock: SettableClock) -> None:
    message = plan(frozen_clock(), kind="test.nothing")

    services.send_message(message, now=frozen_clock())

    message.refresh_from_db()
    assert (message.state, message.closed_at, DeliveredMail.objects.count()) == ("skipped", frozen_clock(), 0)


def test_send_message_of_an_unknown_kind_says_so(frozen_clock: SettableClock) -> None:
    message = plan(frozen_clock(), kind="test.unknown")

    with pytest.raises(LookupError, match=r"No builder knows 'test\.unknown'"):
        services.send_message(message, now=frozen_clock())
    message.refresh_from_db()
    assert message.state == "planned"


def test_send_message_inside_a_transaction_is_refused(frozen_clock: SettableClock) -> None:
    message = plan(frozen_clock())

    with pytest.raises(NetworkCallInTransactionError), unit_of_work():
        services.send_message(message, now=frozen_clock())

    assert not DeliveredMail.objects.exists()


def test_cancel_messages_stops_what_waits_and_leaves_what_was_sent(frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    sent, waiting = plan(now), plan(now, key="hello:2")
    plan(now, key="hello:3")
    services.send_message(sent, now=now)

    services.cancel_messages(keys=["hello:1", "hello:2", "hello:9"], now=now)

    states = dict(Message.objects.values_list("key", "state"))
    assert states == {"hello:1": "sent", "hello:2": "skipped", "hello:3": "planned"}
    assert Job.objects.get(key__endswith="hello:2").state == JobState.CANCELLED
    services.send_message(Message.objects.get(pk=waiting.pk), now=now)
    assert DeliveredMail.objects.count() == 1


@pytest.mark.usefixtures("send_job")
def test_server_that_is_away_is_tried_again(
    frozen_clock: SettableClock, arm: Callable[[str], None], run_due_jobs: Callable[[], Run]
) -> None:
    message = plan(frozen_clock())
    arm("unavailable")

    run_due_jobs()
    message.refresh_from_db()
    assert (message.state, DeliveredMail.objects.count()) == ("planned", 0)
    assert "away" in Job.objects.get().last_error

    frozen_clock.advance(HOUR)
    run_due_jobs()
    message.refresh_from_db()
    assert (message.state, DeliveredMail.objects.count()) == ("sent", 1)


@pytest.mark.usefixtures("send_job")
def test_address_that_is_refused_for_good_fails_and_is_seen(
    frozen_clock: SettableClock, arm: Callable[[str], None], run_due_jobs: Callable[[], Run]
) -> None:
    message = plan(frozen_clock())
    arm("refused")

    run_due_jobs()

    message.refresh_from_db()
    assert (message.state, message.last_error) == ("failed", "The sandbox's mail server refuses this address.")
    job = Job.objects.get()
    assert (job.state, job.last_error) == (
        JobState.FAILED,
        "ann@example.org: The sandbox's mail server refuses this address.",
    )


@pytest.mark.usefixtures("send_job")
def test_mail_whose_answer_was_lost_is_recognised_when_repeated(
    frozen_clock: SettableClock, arm: Callable[[str], None], run_due_jobs: Callable[[], Run]
) -> None:
    plan(frozen_clock())
    arm("delivered_then_dropped")

    run_due_jobs()
    frozen_clock.advance(HOUR)
    run_due_jobs()

    assert DeliveredMail.objects.count() == 1
    assert Message.objects.get().state == "sent"


def test_errors_of_the_server_reach_the_caller(frozen_clock: SettableClock, arm: Callable[[str], None]) -> None:
    for name, error in (("unavailable", MailUnavailableError), ("refused", MailRefusedError)):
        arm(name)
        with pytest.raises(error):
            services.send_message(plan(frozen_clock(), key=name), now=frozen_clock())


def test_letter_says_the_same_in_text_and_html() -> None:
    letter = Letter(
        subject="S",
        opening='Ann & "Bob" <x>',
        facts=(("When", "now"), ("Where", "here")),
        paragraphs=("One.", "Two."),
        actions=(Action("Open", "https://example.org/?a=1&b=2"),),
        attachments=(FILE,),
    )

    content = render(letter)

    assert content.subject == "S"
    assert content.attachments == (FILE,)
    assert content.text.rstrip() == (
        'Ann & "Bob" <x>\n\nWhen: now\nWhere: here\n\nOne.\n\nTwo.\n\n'
        "Open:\nhttps://example.org/?a=1&b=2\n\n-- \nGreenroom"
    )
    assert "Ann &amp; &quot;Bob&quot; &lt;x&gt;" in content.html
    assert 'href="https://example.org/?a=1&amp;b=2"' in content.html


def test_death_after_the_server_took_the_mail_sends_the_same_one_again(
    transactional_db: None,  # noqa: ARG001 -- another process must see the row
    frozen_clock: SettableClock,
    tmp_path: Path,
) -> None:
    assert {point for point in FAULT_POINTS if point.startswith("notifications.")} == {"notifications.after_send"}
    message = plan(frozen_clock())
    code = f"""
from datetime import UTC, datetime
from greenroom.core import clock, faults
from greenroom.notifications import builders, services
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content
clock.use_source(lambda: datetime(2026, 3, 2, 10, tzinfo=UTC))
builders.use({{"test.hello": lambda message, now: Content("Hello", "Hi", "<p>Hi</p>")}})
faults.arm("notifications.after_send")
services.send_message(Message.objects.get(pk={message.pk}), now=clock.now())
"""

    ended = run_python(code, data_dir=tmp_path)

    assert ended.returncode == KILLED_STATUS, ended.stderr
    assert (Message.objects.get().state, DeliveredMail.objects.count()) == ("planned", 1)
    services.send_message(Message.objects.get(), now=frozen_clock())
    assert (Message.objects.get().state, DeliveredMail.objects.count()) == ("sent", 1)
