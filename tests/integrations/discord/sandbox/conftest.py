import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from greenroom.integrations.discord.sandbox.models import SandboxGuild
from greenroom.integrations.discord.sandbox.ratelimit import WINDOWS
from greenroom.integrations.discord.sandbox.services.guild import ensure_guild

BASE = "/sandbox/discord/api/v10"
Ask = Callable[..., HttpResponse]


@pytest.fixture
def guild(db: None) -> SandboxGuild:  # noqa: ARG001 -- its rows
    WINDOWS.forget()
    return ensure_guild()


@pytest.fixture
def ask(client: Client, guild: SandboxGuild) -> Ask:  # noqa: ARG001 -- must stand first
    """Send a request to the API as the bot, with a body that need not be sound."""

    def send(line: str, body: Any = None, authorization: str | None = None, **headers: str) -> HttpResponse:
        method, path = line.split(" ")
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = f"Bot {settings.DISCORD.bot_token}" if authorization is None else authorization
        return client.generic(
            method, f"{BASE}/{path}", content, "application/json", headers={"Authorization": given, **headers}
        )

    return send
