from datetime import datetime, timedelta

import pytest

from greenroom.accounts import messages, services
from greenroom.accounts.types import MailedSecret
from greenroom.notifications.builders import Builder
from greenroom.notifications.models import Message

pytestmark = pytest.mark.django_db
TEN_MINUTES = timedelta(minutes=10)
CODES = [
    (MailedSecret.SIGN_IN, messages.sign_in_code, "Your code to sign in"),
    (MailedSecret.PASSWORD_RESET, messages.password_reset_code, "Your code to set a new password"),
    (MailedSecret.DISCORD, messages.discord_code, "Your code to use your Discord account"),
]


def planned(purpose: MailedSecret, code: str, now: datetime) -> Message:
    services.mail_secret(purpose=purpose, to="sam@example.org", code=code, lifetime=TEN_MINUTES, now=now)
    return Message.objects.get()


@pytest.mark.parametrize(("purpose", "build", "subject"), CODES)
def test_code_mail_holds_the_code_in_its_text_and_never_in_its_subject(
    now: datetime, purpose: MailedSecret, build: Builder, subject: str
) -> None:
    content = build(planned(purpose, "123456", now), now)

    assert content is not None
    assert content.subject == subject
    assert "\nCode: 123456\nIt works for: 10 minutes\n" in content.text
    assert "123456" in content.html


@pytest.mark.parametrize(("purpose", "build"), [(purpose, build) for purpose, build, _subject in CODES])
def test_code_mail_is_not_sent_once_the_code_is_over(now: datetime, purpose: MailedSecret, build: Builder) -> None:
    assert build(planned(purpose, "123456", now), now + TEN_MINUTES) is None


def test_no_account_mail_points_to_the_coaches(now: datetime) -> None:
    message = planned(MailedSecret.NO_ACCOUNT, "", now)

    content = messages.no_account(message, now)

    assert content is not None
    assert content.subject == "There is no account for this address"
    assert "http://localhost:8000/coaches/" in content.text
    assert messages.no_account(message, now + TEN_MINUTES) is None
