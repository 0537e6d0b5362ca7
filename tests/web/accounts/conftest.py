from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from tests.accounts.discord_double import ToldSignIn
from tests.factories.clock import SettableClock

from greenroom.accounts import discord
from greenroom.accounts.models import MailedCode
from greenroom.accounts.types import MailedSecret


@pytest.fixture
def sign_in() -> Iterator[ToldSignIn]:
    before = discord.current()
    told = ToldSignIn()
    discord.use(told)
    yield told
    discord.use(before)


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    return frozen_clock()


@pytest.fixture
def newest_code() -> Callable[[MailedSecret], str]:
    """Return a function that reads the newest mailed code of a kind."""
    return lambda purpose: MailedCode.objects.filter(purpose=purpose).latest("pk").code
