from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from tests.accounts.discord_double import ToldSignIn
from tests.accounts.linking import start

from greenroom.accounts.models import LinkAttempt, MailedCode
from greenroom.accounts.services import mail_secret, prune
from greenroom.accounts.sessions import SessionStore
from greenroom.accounts.types import MailedSecret
from greenroom.jobs.models import Job
from greenroom.notifications.models import Message

pytestmark = pytest.mark.django_db
TEN_MINUTES = timedelta(minutes=10)


def test_mail_secret_plans_one_mail_due_now(now: datetime) -> None:
    mail_secret(purpose=MailedSecret.SIGN_IN, to="sam@example.org", code="123456", lifetime=TEN_MINUTES, now=now)

    mailed, message, job = MailedCode.objects.get(), Message.objects.get(), Job.objects.get()
    assert (mailed.code, mailed.expires_at) == ("123456", now + TEN_MINUTES)
    assert (message.kind, message.to, message.subject_id) == ("accounts.sign_in_code", "sam@example.org", mailed.pk)
    assert (job.due_at, job.expires_at) == (now, now + TEN_MINUTES)
    assert "123456" not in f"{job.payload} {job.key} {message.key} {message.subject}"


def test_prune_deletes_what_is_over_and_nothing_else(sign_in: ToldSignIn, now: datetime) -> None:
    for minutes in (10, 11):
        lifetime = timedelta(minutes=minutes)
        mail_secret(purpose=MailedSecret.SIGN_IN, to="a@example.org", code="1", lifetime=lifetime, now=now)
    day = timedelta(days=1)
    start(sign_in, now=now - day - timedelta(minutes=5), booking_id=7)
    start(sign_in, now=now - day - timedelta(minutes=4), booking_id=8)
    for seconds in (-60, 60):
        store = SessionStore()
        store.set_expiry(seconds)
        store.save()

    prune(now=now + TEN_MINUTES)

    assert [mailed.expires_at for mailed in MailedCode.objects.all()] == [now + timedelta(minutes=11)]
    assert [attempt.booking_id for attempt in LinkAttempt.objects.all()] == [8]
    assert Session.objects.count() == 1
