"""What a message is made of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenroom.integrations.mail.protocol import Attachment


class MessageState(StrEnum):
    """What became of a message; `skipped`: when its time came there was nothing to say any more."""

    PLANNED = "planned"
    SENT = "sent"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Content:
    """A message ready to be sent to its person."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to be planned: what kind, for whom, about which row, and when.

    `key` is unique for ever: the same key is planned and sent once. `expires_at` is when it is no longer useful.
    """

    kind: str
    key: str
    to: str
    subject_id: int
    due_at: datetime
    expires_at: datetime | None = None
