"""A letter: what every mail of ours is made of, and the two forms in which it is sent."""

from dataclasses import dataclass

from django.template.loader import render_to_string

from greenroom.integrations.mail.protocol import Attachment
from greenroom.notifications.types import Content


@dataclass(frozen=True, slots=True)
class Action:
    """A button: an address that opens a page. Following it changes nothing."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """The parts of a mail, in plain words. `facts` are pairs of a label and what stands beside it."""

    subject: str
    opening: str
    facts: tuple[tuple[str, str], ...] = ()
    paragraphs: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    attachments: tuple[Attachment, ...] = ()


def render(letter: Letter) -> Content:
    """Write a letter as plain text and as HTML; both say the same."""
    context = {"letter": letter}
    # Templates end tags with line breaks of their own; in plain text those would show as holes.
    text = render_to_string("notifications/letter.txt", context)
    html = render_to_string("notifications/letter.html", context)
    return Content(letter.subject, text, html, letter.attachments)
