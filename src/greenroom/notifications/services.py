"""Planning messages and sending them."""

from datetime import datetime
from email.utils import parseaddr

from django.conf import settings

from greenroom.core.faults import fault_point
from greenroom.core.ids import new_ref
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.mail import transports
from greenroom.integrations.mail.protocol import Mail, MailRefusedError
from greenroom.jobs import services as jobs
from greenroom.notifications.builders import find_builder
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content, MessageState, NewMessage

JOB_KIND = "notifications.send_message"


def plan_message(new: NewMessage, *, now: datetime) -> Message:
    """Plan a message in the caller's transaction; planning a known key again changes nothing."""
    message, _made = Message.objects.get_or_create(
        key=new.key,
        defaults={
            "kind": new.kind,
            "to": new.to,
            "subject_id": new.subject_id,
            "message_id": f"<{new_ref()}@{_sender_domain()}>",
            "created_at": now,
        },
    )
    jobs.plan(
        kind=JOB_KIND,
        key=f"{JOB_KIND}:{new.key}",
        due_at=new.due_at,
        expires_at=new.expires_at,
        now=now,
        payload={"message_id": message.pk},
    )
    return message


def cancel_messages(*, keys: list[str], now: datetime) -> None:
    """Cancel messages that wait; those already sent stay sent."""
    Message.objects.filter(key__in=keys, state=MessageState.PLANNED).update(state=MessageState.SKIPPED, closed_at=now)
    jobs.cancel(keys=[f"{JOB_KIND}:{key}" for key in keys], now=now)


def send_message(message: Message, *, now: datetime) -> None:
    """Build a message from what is true now and hand it to the mail server; nothing happens when it is closed.

    After a crash between the server's answer and our commit it is sent again under the same Message-ID.
    Raises: MailUnavailableError (try again), MailRefusedError (the row is failed), LookupError for an unknown kind.
    """
    if message.state != MessageState.PLANNED:
        return
    build = find_builder(message.kind)
    if build is None:
        raise LookupError(f"No builder knows {message.kind!r}.")
    content = build(message, now)
    if content is None:
        _close(message, MessageState.SKIPPED, now)
        return
    refuse_network_in_transaction()
    try:
        transports.current().send(_mail(message, content))
    except MailRefusedError as error:
        message.last_error = str(error)
        _close(message, MessageState.FAILED, now)
        raise
    fault_point("notifications.after_send")
    message.subject = content.subject
    _close(message, MessageState.SENT, now)


def _mail(message: Message, content: Content) -> Mail:
    # A line break in a subject would begin another header (RFC 5322, 2.2).
    subject = " ".join(content.subject.split())
    return Mail(message.message_id, message.to, subject, content.text, content.html, content.attachments)


def _close(message: Message, state: MessageState, now: datetime) -> None:
    message.state, message.closed_at = state, now
    message.save(update_fields=["state", "closed_at", "subject", "last_error"])


def _sender_domain() -> str:
    return parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2]
