from collections.abc import Iterator
from datetime import datetime

import pytest
from tests.accounts.discord_double import ToldSignIn
from tests.factories.clock import SettableClock

from greenroom.accounts import discord


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
