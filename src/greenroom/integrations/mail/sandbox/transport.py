"""The transport that delivers into the mailbox."""

import base64

from greenroom.core import clock
from greenroom.integrations.mail.protocol import Mail, MailRefusedError, MailUnavailableError
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.sandbox.faults import Seam, strikes

FAULTS = {
    "unavailable": "The server cannot be reached; the mail is tried again.",
    "refused": "The server refuses the address for good; the message fails and an operator sees it.",
    "delivered_then_dropped": "The mail arrives, but the connection breaks before the server says so.",
}


class SandboxTransport:
    """Keeps mails in a table. Like common mailboxes it shows a repeated Message-ID once."""

    def send(self, mail: Mail) -> None:
        """Deliver one mail, or meet an armed fault. Raises: MailUnavailableError, MailRefusedError."""
        if strikes(Seam.MAIL, "unavailable"):
            raise MailUnavailableError("The sandbox's mail server is away.")
        if strikes(Seam.MAIL, "refused"):
            raise MailRefusedError("The sandbox's mail server refuses this address.")
        DeliveredMail.objects.get_or_create(
            message_id=mail.message_id,
            defaults={
                "to": mail.to,
                "subject": mail.subject,
                "text": mail.text,
                "html": mail.html,
                "attachments": [
                    {
                        "name": attachment.name,
                        "type": attachment.content_type,
                        "content": base64.b64encode(attachment.content).decode("ascii"),
                    }
                    for attachment in mail.attachments
                ],
                "sent_at": clock.now(),
            },
        )
        if strikes(Seam.MAIL, "delivered_then_dropped"):
            raise MailUnavailableError("The connection broke after the mail was taken.")
