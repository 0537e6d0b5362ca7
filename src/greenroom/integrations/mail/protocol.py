"""What Greenroom needs of a mail transport."""

from dataclasses import dataclass, field
from typing import Protocol


class MailUnavailableError(Exception):
    """The server cannot be reached or asks to come back; the mail may be sent again with the same Message-ID."""


class MailRefusedError(Exception):
    """The server refuses this mail for good, such as for an address that does not exist."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail; `content_type` may carry parameters, as calendars need."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person. `message_id` was made when it was planned, so that a repeat can be recognised."""

    message_id: str
    to: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


class MailTransport(Protocol):
    """Something that takes mails."""

    def send(self, mail: Mail) -> None:
        """Hand one mail over. Raises: MailUnavailableError, MailRefusedError."""
