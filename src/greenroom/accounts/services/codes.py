"""Codes that travel by mail."""

from datetime import datetime, timedelta

from django.db import transaction

from greenroom.accounts.models import LinkAttempt, MailedCode
from greenroom.accounts.sessions import SessionStore
from greenroom.accounts.types import MailedSecret
from greenroom.notifications.services import plan_message
from greenroom.notifications.types import NewMessage

# A try explains itself on the page it came from for that long after it ended.
_KEEP_ATTEMPTS = timedelta(days=1)


def mail_secret(*, purpose: MailedSecret, to: str, code: str, lifetime: timedelta, now: datetime) -> None:
    """Plan the mail that brings a code, due at once and worthless after `lifetime`.

    The same rows are written for a known and an unknown address, so that neither the answer nor the time it takes
    tells them apart. Writes the code encrypted; it is deleted once it is over.
    """
    expires_at = now + lifetime
    with transaction.atomic():
        row = MailedCode.objects.create(purpose=purpose, code=code, created_at=now, expires_at=expires_at)
        new = NewMessage(
            kind=purpose,
            key=f"{purpose}:{row.pk}",
            to=to,
            subject_id=row.pk,
            due_at=now,
            expires_at=expires_at,
        )
        plan_message(new, now=now)


def prune(*, now: datetime) -> None:
    """Delete codes that are over, tries to link that ended a day ago, and sessions nobody can use any more."""
    MailedCode.objects.filter(expires_at__lte=now).delete()
    LinkAttempt.objects.filter(expires_at__lte=now - _KEEP_ATTEMPTS).delete()
    SessionStore.clear_expired()  # by the machine's clock, as Django dates them
