"""Linking against the embedded Discord, over HTTP, with the real client; the browser is the test client."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer
from tests.factories.accounts import make_discord_identity, make_user
from tests.factories.bookings import make_booking
from tests.factories.jobs import do_nothing, use_handler

from greenroom.accounts import discord, jobs
from greenroom.accounts.models import DiscordIdentity, LinkAttempt, Revocation
from greenroom.accounts.types import LinkProblem, LinkState
from greenroom.core.transactions import refuse_network_in_transaction
from greenroom.integrations.discord.connect import Access, Discord
from greenroom.integrations.discord.errors import TokenRevoked
from greenroom.integrations.discord.oauth import OAuthApplication
from greenroom.integrations.discord.protocol import DiscordSignIn
from greenroom.integrations.discord.sandbox.faults import FAULTS
from greenroom.integrations.discord.sandbox.models import SandboxUser
from greenroom.integrations.discord.sandbox.ratelimit import WINDOWS
from greenroom.integrations.discord.sandbox.services.guild import create_user, ensure_guild
from greenroom.integrations.discord.state import InMemoryBotState
from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.faults import Seam
from greenroom.jobs.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def sandbox(live_server: LiveServer, settings: Any, handlers: None) -> Iterator[DiscordSignIn]:  # noqa: ARG001 -- a table of its own
    address = f"{live_server.url}/sandbox/discord"
    settings.DISCORD = replace(
        settings.DISCORD, api_base=f"{address}/api/v10", authorize_url=f"{address}/oauth2/authorize"
    )
    known = settings.DISCORD
    application = OAuthApplication(known.client_id, known.client_secret, known.redirect_uri, known.authorize_url)
    access = Access(known.api_base, known.bot_token, application, "https://coach.example")
    WINDOWS.forget()
    ensure_guild()
    opened = Discord(access, state=InMemoryBotState(), refuse_if_in_transaction=refuse_network_in_transaction)
    known_before = faults.known_faults()
    faults.use({Seam.DISCORD: FAULTS})
    before = discord.current()
    discord.use(opened.sign_in)
    use_handler("accounts.finish_link", jobs.finish_link)
    use_handler("accounts.revoke_link", jobs.revoke_link)
    use_handler("bookings.attach_discord", do_nothing)
    use_handler("bookings.discord_linked", do_nothing)
    use_handler("notifications.send_message", do_nothing)
    yield opened.sign_in
    discord.use(before)
    faults.use(known_before)
    opened.close()


def consent(client: Client, person: SandboxUser | None = None, decision: str = "allow", **data: str) -> str:
    """Go to Discord with this browser, decide there as `person`, and return the address Discord sends it to."""
    left = client.post("/discord/connect/", {"next": "/sessions/", **data})
    assert left.status_code == HTTPStatus.FOUND
    person = person or create_user("Robin")
    answer = httpx.post(left["Location"], data={"decision": decision, "user": str(person.pk)})
    assert answer.status_code == HTTPStatus.FOUND, answer.text
    parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "http://localhost:8000/api/auth/discord/callback"
    return f"{parts.path}?{parts.query}"


def test_account_is_linked_replaced_and_disconnected(
    client: Client, run_due_jobs: Callable[[], Run], sandbox: DiscordSignIn
) -> None:
    user = make_user()
    client.force_login(user)

    assert client.get(consent(client))["Location"] == "/sessions/"
    run_due_jobs()
    first = DiscordIdentity.objects.get()
    other = create_user("Other")
    client.get(consent(client, other))
    run_due_jobs()
    second = DiscordIdentity.objects.get()
    client.post("/discord/disconnect/")
    run_due_jobs()

    assert (first.username[:5], second.discord_user_id) == ("robin", str(other.pk))
    assert first.user == second.user == user
    assert set(first.scopes.split()) == {"guilds.join", "identify"}
    assert (DiscordIdentity.objects.count(), Revocation.objects.count()) == (0, 0)
    for ended in (first, second):
        with pytest.raises(TokenRevoked):
            sandbox.refresh(ended.refresh_token)


def test_denied_consent_is_a_page_and_links_nothing(client: Client, run_due_jobs: Callable[[], Run]) -> None:
    client.force_login(make_user())

    response = client.get(consent(client, decision="deny"))
    run_due_jobs()

    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert LinkAttempt.objects.get().problem == LinkProblem.DENIED
    assert DiscordIdentity.objects.count() == 0


def test_somebody_elses_account_is_used_after_a_code(
    client: Client, run_due_jobs: Callable[[], Run], moving_clock: Callable[[], datetime]
) -> None:
    owner, student = make_user("owner@example.org"), make_user()
    robin = create_user("Robin")
    make_discord_identity(user=owner, discord_user_id=str(robin.pk))
    now = moving_clock()
    booking = make_booking(starts_at=now + timedelta(days=1), now=now, student=student)
    client.force_login(student)

    client.get(consent(client, robin, booking=booking.ref))
    run_due_jobs()

    attempt = LinkAttempt.objects.get()
    assert attempt.state == LinkState.NEEDS_CODE
    assert DiscordIdentity.objects.get().user == owner


def test_code_that_discord_calls_old_asks_to_connect_again(
    client: Client, run_due_jobs: Callable[[], Run], moving_clock: Any
) -> None:
    client.force_login(make_user())
    address = consent(client)
    client.get(address)
    moving_clock.advance(timedelta(minutes=2))

    run_due_jobs()

    assert LinkAttempt.objects.get().problem == LinkProblem.AGAIN
    assert DiscordIdentity.objects.count() == 0


def test_sixteen_returns_at_once_are_all_linked(run_due_jobs: Callable[[], Run]) -> None:
    browsers = []
    for number in range(16):
        browser = Client()
        browser.force_login(make_user(f"student{number}@example.org"))
        browsers.append((browser, consent(browser)))

    answers = [browser.get(address) for browser, address in browsers]
    run_due_jobs()

    assert {answer.status_code for answer in answers} == {HTTPStatus.FOUND}
    assert DiscordIdentity.objects.filter(user__isnull=False).count() == 16


@pytest.mark.parametrize(
    ("fault", "state", "problem"),
    [
        ("drop_reply", LinkState.FAILED, LinkProblem.AGAIN),
        ("server_error_after", LinkState.FAILED, LinkProblem.AGAIN),
        ("garbled_reply", LinkState.FAILED, LinkProblem.AGAIN),
        ("rate_limited_long", LinkState.CHECKING, ""),
        ("rate_limited", LinkState.LINKED, ""),
    ],
)
def test_trouble_at_discord_is_told_and_never_repeats_a_used_code(
    client: Client, run_due_jobs: Callable[[], Run], fault: str, state: LinkState, problem: str
) -> None:
    client.force_login(make_user())
    client.get(consent(client))
    faults.arm(seam=Seam.DISCORD, fault=fault, count=1)

    run_due_jobs()

    attempt = LinkAttempt.objects.get()
    assert (attempt.state, attempt.problem) == (state, problem)
    assert DiscordIdentity.objects.count() == (1 if state is LinkState.LINKED else 0)
