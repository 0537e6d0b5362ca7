import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.factories.waiting import PATIENCE_SECONDS
from tests.integrations.discord.conftest import APPLICATION
from tests.integrations.discord.faulty_server import FaultyServer, Reply, Seen

from greenroom.integrations.discord.errors import OutcomeUnknown, RateLimited, Scope, TokenRevoked
from greenroom.integrations.discord.oauth import DiscordOAuth, code_challenge, new_code_verifier
from greenroom.integrations.discord.sender import Sender
from greenroom.integrations.discord.types import DiscordUser, DiscordUserId, Tokens

WIRE_TOKENS = {
    "access_token": "a1",
    "token_type": "Bearer",
    "expires_in": 604800,
    "refresh_token": "r1",
    "scope": "identify guilds.join",
}
READ_TOKENS = Tokens("a1", "r1", timedelta(days=7), frozenset({"identify", "guilds.join"}))
BASIC = "Basic NDI6Y2xpZW50LXNlY3JldA=="


def test_code_challenge_is_that_of_the_rfcs_example() -> None:
    # RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_new_code_verifier_is_long_and_fresh() -> None:
    assert 43 <= len(new_code_verifier()) <= 128
    assert new_code_verifier() != new_code_verifier()


def test_authorize_url_carries_the_challenge_and_never_the_verifier(sign_in: DiscordOAuth) -> None:
    url = sign_in.authorize_url(state="s&1", code_verifier="v" * 43, scopes=["identify", "guilds.join"])

    assert url.startswith("http://127.0.0.1:8000/oauth2/authorize?")
    assert parse_qs(urlsplit(url).query) == {
        "response_type": ["code"],
        "client_id": ["42"],
        "redirect_uri": ["http://localhost:8000/back"],
        "scope": ["identify guilds.join"],
        "state": ["s&1"],
        "code_challenge": [code_challenge("v" * 43)],
        "code_challenge_method": ["S256"],
    }


def test_exchange_code_sends_the_form_and_reads_what_was_granted(server: FaultyServer, sign_in: DiscordOAuth) -> None:
    server.queue(Reply(200, WIRE_TOKENS))

    assert sign_in.exchange_code("c1", code_verifier="v1") == READ_TOKENS
    seen = server.seen[0]
    assert server.paths() == ["POST /oauth2/token"]
    assert seen.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert seen.headers["Authorization"] == BASIC
    assert parse_qs(seen.body.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["c1"],
        "redirect_uri": ["http://localhost:8000/back"],
        "code_verifier": ["v1"],
    }


def test_exchange_code_refused_is_a_dead_grant(server: FaultyServer, sign_in: DiscordOAuth) -> None:
    server.queue(Reply(400, {"error": "invalid_grant"}))

    with pytest.raises(TokenRevoked):
        sign_in.exchange_code("c1", code_verifier="v1")


def test_exchange_code_answered_by_half_a_pair_is_unknown(server: FaultyServer, sign_in: DiscordOAuth) -> None:
    server.queue(Reply(200, WIRE_TOKENS | {"refresh_token": None}))

    with pytest.raises(OutcomeUnknown):
        sign_in.exchange_code("c1", code_verifier="v1")


def test_refresh_trades_the_token(server: FaultyServer, sign_in: DiscordOAuth) -> None:
    server.queue(Reply(200, WIRE_TOKENS))

    assert sign_in.refresh("r0") == READ_TOKENS
    assert parse_qs(server.seen[0].body.decode()) == {"grant_type": ["refresh_token"], "refresh_token": ["r0"]}


def test_refresh_dropped_is_unknown_and_not_repeated(server: FaultyServer, sign_in: DiscordOAuth) -> None:
    server.queue(Reply(drop=True))

    with pytest.raises(OutcomeUnknown):
        sign_in.refresh("r0")

    assert len(server.seen) == 1


def test_revoke_sends_the_token(server: FaultyServer, sign_in: DiscordOAuth) -> None:
    server.queue(Reply(200, {}))

    sign_in.revoke("a1")

    assert server.paths() == ["POST /oauth2/token/revoke"]
    assert parse_qs(server.seen[0].body.decode()) == {"token": ["a1"]}


def test_user_of_asks_with_the_persons_token(server: FaultyServer, sign_in: DiscordOAuth) -> None:
    server.queue(Reply(200, {"id": "9", "username": "sam", "global_name": "Sam"}))

    assert sign_in.user_of("a1") == DiscordUser(DiscordUserId(9), "sam", "Sam")
    assert server.seen[0].headers["Authorization"] == "Bearer a1"


def test_linking_of_too_many_at_once_is_refused_without_waiting(server: FaultyServer, sender: Sender) -> None:
    sign_in = DiscordOAuth(sender, APPLICATION, most_at_once=1)
    busy = threading.Event()

    def respond(_seen: Seen) -> Reply:
        busy.set()
        time.sleep(0.2)
        return Reply(200, {"id": "9", "username": "sam"})

    server.respond = respond
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(sign_in.user_of, "a1")
        busy.wait(PATIENCE_SECONDS)
        with pytest.raises(RateLimited) as raised:
            sign_in.user_of("a2")
        first.result()

    assert (raised.value.retry_after, raised.value.scope) == (timedelta(seconds=1), Scope.PACING)
    assert sign_in.user_of("a2").id == 9
    assert len(server.seen) == 2
