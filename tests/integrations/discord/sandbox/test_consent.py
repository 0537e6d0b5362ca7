import base64
import hashlib
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from greenroom.integrations.discord.sandbox.models import SandboxAuthorization, SandboxGuild, SandboxUser
from greenroom.integrations.discord.sandbox.services import oauth
from greenroom.integrations.discord.sandbox.services.guild import sample_user_id

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
TOKEN = "/sandbox/discord/api/v10/oauth2/token"

pytestmark = pytest.mark.usefixtures("guild")


def address(**changes: str | None) -> str:
    query = {
        "response_type": "code",
        "client_id": settings.DISCORD.client_id,
        "redirect_uri": settings.DISCORD.redirect_uri,
        "scope": "identify guilds.join",
        "state": "s&1 <x>",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes
    return "/sandbox/discord/oauth2/authorize?" + urlencode({k: v for k, v in query.items() if v is not None})


def sent_back(answer: HttpResponse) -> dict[str, list[str]]:
    assert answer.status_code == 302
    assert answer["Location"].startswith(settings.DISCORD.redirect_uri + "?")
    return parse_qs(urlsplit(answer["Location"]).query)


class Page(HTMLParser):
    """Collects what makes a form usable: ids with a label, names, titles, and anything a strict policy forbids."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inputs: list[str] = []
        self.labelled: list[str] = []
        self.tags: list[str] = []
        self.forbidden: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if tag == "input":
            self.inputs.append(given.get("id") or "")
        if tag == "label":
            self.labelled.append(given.get("for") or "")
        if tag in {"script", "style"} or any(name == "style" or name.startswith("on") for name in given):
            self.forbidden.append(tag)


def test_page_can_be_used_by_everybody_under_a_strict_policy(client: Client) -> None:
    answer = client.get(address())

    page = Page(answer.content.decode())
    assert answer.status_code == 200
    assert page.inputs == page.labelled != []
    assert page.forbidden == []
    assert {"title", "h1", "main", "fieldset", "legend"} <= set(page.tags)
    assert answer.content.decode().count("(coach)") == 2
    assert "add you to its server" in answer.content.decode()
    assert SandboxAuthorization.objects.count() == 0


def test_page_lets_the_browser_follow_the_redirect(client: Client) -> None:
    policy = client.get(address())["Content-Security-Policy"]

    (form_action,) = [part.strip() for part in policy.split(";") if part.strip().startswith("form-action")]
    assert form_action == "form-action 'self' http://localhost:8000"


def test_page_sets_no_cookies_and_needs_none() -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.get(address()).cookies == {}
    assert strict.post(address(), {"decision": "deny"}).status_code == 302


def test_allowing_returns_with_code_and_state(client: Client) -> None:
    answer = client.post(address(), {"decision": "allow", "user": str(sample_user_id("sam.student"))})

    assert set(sent_back(answer)) == {"code", "state"}
    assert sent_back(answer)["state"] == ["s&1 <x>"]
    assert SandboxAuthorization.objects.get().scopes == "identify guilds.join"


def test_denying_returns_with_the_error(client: Client) -> None:
    answer = client.post(address(), {"decision": "deny", "user": str(sample_user_id("sam.student"))})

    assert sent_back(answer) == {"error": ["access_denied"], "state": ["s&1 <x>"]}
    assert SandboxAuthorization.objects.count() == 0


def test_new_account_can_be_named(client: Client) -> None:
    answer = client.post(address(), {"decision": "allow", "new_name": " Zoë <b> "})

    assert "code" in sent_back(answer)
    user = SandboxAuthorization.objects.get().user
    assert user.display_name == "Zoë <b>"
    assert b"Zo\xc3\xab &lt;b&gt;" in client.get(address()).content


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"user": ""},
        {"user": "abc"},
        {"user": "5"},
        {"user": "9" * 40},
        {"user": "\u0663"},
        {"user": "100000000000000001"},  # the bot
        {"new_name": "x" * 33},
        {"new_name": "a\0b"},
    ],
)
def test_allowing_as_nobody_shows_the_page_again(client: Client, form: dict[str, str]) -> None:
    people_before = SandboxUser.objects.count()

    answer = client.post(address(), {"decision": "allow"} | form)

    assert answer.status_code == 422
    assert b'role="alert"' in answer.content
    assert SandboxUser.objects.count() == people_before
    assert SandboxAuthorization.objects.count() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "5"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "http://localhost:8000/api/auth/discord/callback/"},
        {"redirect_uri": "http://evil.example/"},
    ],
)
def test_broken_request_sends_nobody_anywhere(client: Client, changes: dict[str, str | None]) -> None:
    for answer in (client.get(address(**changes)), client.post(address(**changes), {"decision": "deny"})):
        assert answer.status_code == 400
        assert b"Connecting is not possible" in answer.content


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "identify bot"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "!" * 43}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
    ],
)
def test_refused_request_tells_the_application(client: Client, changes: dict[str, str | None], error: str) -> None:
    assert sent_back(client.get(address(**changes)))["error"] == [error]


def test_request_without_state_returns_without(client: Client) -> None:
    assert sent_back(client.post(address(state=None), {"decision": "deny"})) == {"error": ["access_denied"]}


def code_for(client: Client) -> str:
    answer = client.post(address(), {"decision": "allow", "user": str(sample_user_id("sam.student"))})
    return sent_back(answer)["code"][0]


def form_for(client: Client) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code_for(client),
        "redirect_uri": settings.DISCORD.redirect_uri,
        "code_verifier": VERIFIER,
        "client_id": settings.DISCORD.client_id,
        "client_secret": settings.DISCORD.client_secret,
    }


def post(client: Client, form: dict[str, str], path: str = TOKEN, **headers: str) -> HttpResponse:
    return client.post(path, urlencode(form), "application/x-www-form-urlencoded", headers=headers)


def test_token_takes_credentials_from_the_form(client: Client) -> None:
    answer = post(client, form_for(client))

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert answer.json()["expires_in"] == 604800


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"code": "wrong"}, 400, "invalid_grant"),
        ({"code": "\ud800"}, 400, "invalid_grant"),
        ({"redirect_uri": "http://localhost:8000/other"}, 400, "invalid_grant"),
        ({"code_verifier": "w" * 43}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, 400, "invalid_grant"),
    ],
)
def test_token_refuses(client: Client, changes: dict[str, str], status: int, error: str) -> None:
    form = {k: v.encode("utf-8", "surrogatepass") for k, v in (form_for(client) | changes).items()}

    answer = post(client, form)  # type: ignore[arg-type] # bytes, to send what no text can hold

    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize("credentials", ["%%%", base64.b64encode(b"\xff").decode(), base64.b64encode(b"a:b").decode()])
def test_token_refuses_malformed_credentials(client: Client, credentials: str) -> None:
    answer = post(client, form_for(client), Authorization=f"Basic {credentials}")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_token_takes_forms_only(client: Client) -> None:
    form = form_for(client)

    assert client.get(TOKEN).status_code == 405
    assert client.post(TOKEN, form, "application/json").status_code == 400
    assert post(client, form | {"code": "x" * 300_000}).status_code == 413
    assert post(client, form).status_code == 200


def test_revoking_what_is_not_ours_is_no_error(client: Client) -> None:
    form = {
        "token": "unknown",
        "client_id": settings.DISCORD.client_id,
        "client_secret": settings.DISCORD.client_secret,
    }

    assert post(client, form, f"{TOKEN}/revoke").status_code == 200
    assert post(client, form | {"client_secret": "x"}, f"{TOKEN}/revoke").status_code == 401


def test_who_am_i_needs_the_scope(client: Client, guild: SandboxGuild) -> None:
    del guild
    authorization = SandboxAuthorization.objects.create(user_id=sample_user_id("sam.student"), scopes="guilds.join")
    issued = oauth._issue(authorization)  # noqa: SLF001 -- the page grants identify to everybody who asks

    answer = client.get(
        "/sandbox/discord/api/v10/users/@me", headers={"Authorization": f"Bearer {issued.access_token}"}
    )

    assert answer.status_code == 401
