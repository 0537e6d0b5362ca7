"""Steps of linking a Discord account, for tests that begin further on."""

from datetime import datetime
from typing import Any

from tests.accounts.discord_double import ToldSignIn

from greenroom.accounts import services
from greenroom.accounts.models import LinkAttempt, MailedCode
from greenroom.accounts.types import MailedSecret

BROWSER = "b" * 43


def start(sign_in: ToldSignIn, *, now: datetime, browser: str = BROWSER, path: str = "/back/", **whom: Any) -> str:
    """Begin an attempt and return its state."""
    services.start_link(browser_secret=browser, return_path=path, now=now, **whom)
    return sign_in.states[-1]


def come_back(state: str, *, now: datetime, code: str = "the-code", browser: str = BROWSER) -> LinkAttempt:
    """Return from Discord with a code."""
    return services.receive_callback(state=state, code=code, error="", browser_secret=browser, now=now)


def checking(sign_in: ToldSignIn, *, now: datetime, **whom: Any) -> LinkAttempt:
    """Make an attempt whose answer waits to be looked at."""
    return come_back(start(sign_in, now=now, **whom), now=now)


def link(sign_in: ToldSignIn, *, now: datetime, **whom: Any) -> LinkAttempt:
    """Go the whole way to what follows from the answer."""
    attempt = checking(sign_in, now=now, **whom)
    services.record_link(
        attempt_id=attempt.pk, discord_user=sign_in.user, tokens=sign_in.exchange_code("c", code_verifier="v"), now=now
    )
    attempt.refresh_from_db()
    return attempt


def mailed_code() -> str:
    """Return the code of the one mail about a Discord account."""
    return MailedCode.objects.get(purpose=MailedSecret.DISCORD).code
