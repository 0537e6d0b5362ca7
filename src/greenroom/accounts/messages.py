"""The mails about signing in and linking. Each is built when it is sent; None means: say nothing any more."""

from datetime import datetime

from django.conf import settings

from greenroom.accounts.models import MailedCode
from greenroom.notifications import display
from greenroom.notifications.letters import Action, Letter, render
from greenroom.notifications.models import Message
from greenroom.notifications.types import Content

_NOT_YOU = "If you did not ask for it, you can ignore this mail: without the code nobody gets in."


def sign_in_code(message: Message, now: datetime) -> Content | None:
    """Bring the code that signs in, and that claims an account made by booking."""
    return _code(
        message,
        now,
        subject="Your code to sign in",
        opening="Type this code into the page where you asked for it.",
    )


def password_reset_code(message: Message, now: datetime) -> Content | None:
    """Bring the code that allows a new password to be set."""
    return _code(
        message,
        now,
        subject="Your code to set a new password",
        opening="Type this code into the page where you asked for it, then choose a new password.",
    )


def discord_code(message: Message, now: datetime) -> Content | None:
    """Ask the owner of a linked Discord account whether a booking may use it."""
    return _code(
        message,
        now,
        subject="Your code to use your Discord account",
        opening="Somebody who signed in to your Discord account wants to use it for a booking.",
        more="The Discord account stays connected to your Greenroom account, whatever you do.",
    )


def no_account(message: Message, now: datetime) -> Content | None:
    """Tell the reader of an unknown address that there is nothing to sign in to, as only they may know."""
    if _live(message, now) is None:
        return None
    letter = Letter(
        subject="There is no account for this address",
        opening="Somebody, probably you, asked to sign in with this address, but nothing was ever booked with it.",
        paragraphs=(
            "Perhaps you booked with another address. An account comes by itself with the first booking.",
            "If it was not you, you can ignore this mail.",
        ),
        actions=(Action("Find a coach", f"{settings.BASE_URL}/coaches/"),),
    )
    return render(letter)


def _code(message: Message, now: datetime, *, subject: str, opening: str, more: str = "") -> Content | None:
    mailed = _live(message, now)
    if mailed is None:
        return None
    works_for = display.duration(mailed.expires_at - mailed.created_at)
    letter = Letter(
        subject=subject,
        opening=opening,
        facts=(("Code", mailed.code), ("It works for", works_for)),
        paragraphs=tuple(text for text in (more, _NOT_YOU) if text),
    )
    return render(letter)


def _live(message: Message, now: datetime) -> MailedCode | None:
    return MailedCode.objects.filter(pk=message.subject_id, expires_at__gt=now).first()
