"""The handler of due messages."""

from greenroom.core import clock
from greenroom.integrations.mail.protocol import MailRefusedError
from greenroom.jobs.errors import PermanentFailureError
from greenroom.jobs.models import Job
from greenroom.notifications import services
from greenroom.notifications.models import Message


def send_message(job: Job) -> None:
    """Send one message; what the server refuses for good stops and is seen by an operator."""
    message = Message.objects.get(pk=job.payload["message_id"])
    try:
        services.send_message(message, now=clock.now())
    except MailRefusedError as error:
        raise PermanentFailureError(f"{message.to}: {error}") from error
