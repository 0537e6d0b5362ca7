"""Who gets in, and how bad input is refused: always with Discord's JSON, never with a server error."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from tests.integrations.discord.sandbox.conftest import BASE, Ask

from greenroom.core.errors import BusyError
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox import gate
from greenroom.integrations.discord.sandbox.models import SandboxChannel, SandboxGuild, SandboxMember
from greenroom.integrations.discord.sandbox.ratelimit import WINDOWS
from greenroom.integrations.discord.sandbox.services.guild import sample_user_id


@pytest.mark.parametrize(
    "authorization", ["", "Bot", "Bot wrong", "Bearer wrong", "Basic x", "Bot \u00e9", "nonsense", "bot x y"]
)
def test_request_without_a_known_token_is_refused(ask: Ask, guild: SandboxGuild, authorization: str) -> None:
    answer = ask(f"POST guilds/{guild.pk}/channels", {"name": "x"}, authorization)

    assert answer.status_code == 401
    assert answer.json() == {"message": "401: Unauthorized", "code": 0}
    assert SandboxChannel.objects.count() == 0


def test_person_may_ask_who_they_are_and_nothing_else(ask: Ask, guild: SandboxGuild) -> None:
    assert ask("GET users/@me", authorization="Bearer wrong").status_code == 401
    assert ask(f"GET guilds/{guild.pk}", authorization="Bearer wrong").status_code == 401


@pytest.mark.parametrize(
    "path", ["oauth2/authorize", "api/v10/users/@me", "api/v10/oauth2/token", "api/v10/nothing", "anything"]
)
def test_everything_is_absent_when_the_sandbox_is_off(client: Client, settings: Settings, path: str) -> None:
    settings.SANDBOX_ENABLED = False

    assert client.get(f"/sandbox/discord/{path}").status_code == 404
    assert client.post(f"/sandbox/discord/{path}").status_code == 404


def test_answers_set_no_cookies_and_need_none(ask: Ask) -> None:
    answer = ask("GET users/@me")

    assert answer.status_code == 200
    assert answer.cookies == {}


def test_posts_need_no_csrf_token(guild: SandboxGuild) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(f"{BASE}/guilds/{guild.pk}/channels").status_code == 401
    assert strict.post(f"{BASE}/oauth2/token").status_code == 400


def test_answers_carry_the_rate_limit_headers(ask: Ask, guild: SandboxGuild) -> None:
    first = ask(f"GET guilds/{guild.pk}/channels")
    second = ask(f"GET guilds/{guild.pk}/channels")
    refused = ask(f"POST guilds/{guild.pk}/channels", {})

    assert (first["X-RateLimit-Limit"], first["X-RateLimit-Remaining"]) == ("100", "99")
    assert second["X-RateLimit-Remaining"] == "98"
    assert 0 < float(second["X-RateLimit-Reset-After"]) <= 1
    assert first["X-RateLimit-Bucket"] == second["X-RateLimit-Bucket"] != refused["X-RateLimit-Bucket"]
    assert refused.status_code == 400
    assert refused["X-RateLimit-Remaining"] == "99"


def test_one_edit_too_many_is_limited(ask: Ask, guild: SandboxGuild) -> None:
    room = ask(f"POST guilds/{guild.pk}/channels", {"name": "x", "type": 2}).json()["id"]
    for _ in range(10):
        assert ask(f"PATCH channels/{room}", {}).status_code == 200

    answer = ask(f"PATCH channels/{room}", {"name": "y"})

    assert answer.status_code == 429
    assert answer.json()["global"] is False
    assert 14 < answer.json()["retry_after"] <= 15
    assert (answer["X-RateLimit-Scope"], answer["X-RateLimit-Remaining"], answer["Retry-After"]) == ("user", "0", "15")
    assert SandboxChannel.objects.get().name == "x"
    other = ask(f"POST guilds/{guild.pk}/channels", {"name": "x", "type": 2}).json()["id"]
    assert ask(f"PATCH channels/{other}", {}).status_code == 200


def test_fifty_first_request_in_a_second_is_limited_globally(ask: Ask) -> None:
    for number in range(50):
        WINDOWS.count(f"GET {number}", 0)

    answer = ask("GET users/@me")

    assert answer.status_code == 429
    assert answer.json()["global"] is True
    assert (answer["X-RateLimit-Scope"], answer["X-RateLimit-Global"]) == ("global", "true")


def test_windows_that_ended_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("greenroom.integrations.discord.sandbox.ratelimit._MOST_WINDOWS", 3)
    monkeypatch.setattr("greenroom.integrations.discord.sandbox.ratelimit.GLOBAL_PER_SECOND", 1000)
    WINDOWS.forget()

    for major in range(5):
        WINDOWS.count("GET x", major)

    assert WINDOWS.count("GET x", 0)["X-RateLimit-Remaining"] == "98"


def test_unknown_route_and_method_are_json(ask: Ask, guild: SandboxGuild) -> None:
    unknown = ask("GET nothing/here")
    wrong = ask(f"DELETE guilds/{guild.pk}")

    assert (unknown.status_code, unknown.json()["code"]) == (404, 0)
    assert (wrong.status_code, wrong.json()["code"]) == (405, 0)


@pytest.mark.parametrize("bad", ["abc", "-1", "0", "1.5", "9223372036854775808", "9" * 400, "%00", "\u0663"])
def test_path_id_that_is_no_snowflake_is_a_bad_form(ask: Ask, guild: SandboxGuild, bad: str) -> None:
    lines = [
        f"GET channels/{bad}",
        f"DELETE channels/{bad}",
        f"GET guilds/{bad}",
        f"GET guilds/{guild.pk}/members/{bad}",
        f"PUT guilds/{guild.pk}/members/{bad}/roles/1",
        f"GET guilds/{guild.pk}/audit-logs?user_id={bad}",
    ]
    for line in lines:
        answer = ask(line, {"access_token": "x"} if line.startswith("PUT") else None)
        assert (answer.status_code, answer.json()["code"]) == (400, 50035)


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 10_000, b'{"name": 1e999999}}', b'{"a": ' + b"9" * 9_999])
def test_body_that_is_no_json_is_refused(ask: Ask, guild: SandboxGuild, body: bytes) -> None:
    answer = ask(f"POST guilds/{guild.pk}/channels", body)

    assert (answer.status_code, answer.json()["code"]) == (400, 50109)


def test_body_too_large_is_refused(ask: Ask, guild: SandboxGuild) -> None:
    answer = ask(f"POST guilds/{guild.pk}/channels", b" " * 300_000)

    assert answer.status_code == 413
    assert SandboxChannel.objects.count() == 0


LONE = {"id": "2", "type": 1}


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        5,
        None,
        b"",
        {"name": None},
        {"name": 5},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 101},
        {"name": "a\0b"},
        {"name": "\ud800"},
        {"name": "x", "type": "voice"},
        {"name": "x", "type": True},
        {"name": "x", "type": 15},
        {"name": "x", "type": 101},
        {"name": "x", "type": -1},
        {"name": "x", "parent_id": "abc"},
        {"name": "x", "parent_id": 10**30},
        {"name": "x", "parent_id": "77"},
        {"name": "x", "parent_id": []},
        {"name": "x", "permission_overwrites": {}},
        {"name": "x", "permission_overwrites": ["a"]},
        {"name": "x", "permission_overwrites": [{}]},
        {"name": "x", "permission_overwrites": [LONE | {"type": 2}]},
        {"name": "x", "permission_overwrites": [LONE | {"id": None}]},
        {"name": "x", "permission_overwrites": [LONE | {"allow": "many"}]},
        {"name": "x", "permission_overwrites": [LONE | {"deny": str(2**70)}]},
        {"name": "x", "permission_overwrites": [LONE | {"allow": 1.5}]},
    ],
)
def test_channel_form_that_is_wrong_is_refused(ask: Ask, guild: SandboxGuild, body: Any) -> None:
    content = b"null" if body is None else body

    answer = ask(f"POST guilds/{guild.pk}/channels", content)

    assert (answer.status_code, answer.json()["code"]) == (400, 50035)
    assert "_errors" in str(answer.json()["errors"])
    assert SandboxChannel.objects.count() == 0


def test_bad_form_names_the_field_as_discord_does(ask: Ask, guild: SandboxGuild) -> None:
    body = {"name": "x", "permission_overwrites": [LONE, LONE | {"id": "x"}]}

    answer = ask(f"POST guilds/{guild.pk}/channels", body)

    assert answer.json() == {
        "message": "Invalid Form Body",
        "code": 50035,
        "errors": {
            "permission_overwrites": {
                "1": {"id": {"_errors": [{"code": "NUMBER_TYPE_COERCE", "message": "Value is not snowflake."}]}}
            }
        },
    }


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("POST guilds/{g}/roles", {"name": ""}),
        ("POST guilds/{g}/roles", {"permissions": "x"}),
        ("PUT guilds/{g}/members/{u}", {}),
        ("PUT guilds/{g}/members/{u}", {"access_token": 5}),
        ("PATCH guilds/{g}/members/{u}", {"channel_id": "x"}),
        ("POST users/@me/channels", {}),
        ("POST users/@me/channels", {"recipient_id": {}}),
        ("GET guilds/{g}/audit-logs?limit=0", None),
        ("GET guilds/{g}/audit-logs?limit=101", None),
        ("GET guilds/{g}/audit-logs?limit=x", None),
        ("GET guilds/{g}/audit-logs?action_type=x", None),
    ],
)
def test_other_form_that_is_wrong_is_refused(ask: Ask, guild: SandboxGuild, line: str, body: Any) -> None:
    answer = ask(line.format(g=guild.pk, u=sample_user_id("maya.coach")), body)

    assert (answer.status_code, answer.json()["code"]) == (400, 50035)


@pytest.mark.parametrize(
    "body", [{}, {"content": ""}, {"content": "x" * 2001}, {"content": "x", "nonce": "n" * 26, "enforce_nonce": True}]
)
def test_message_that_is_wrong_is_refused(ask: Ask, body: Any) -> None:
    dm = ask("POST users/@me/channels", {"recipient_id": str(sample_user_id("maya.coach"))}).json()["id"]

    answer = ask(f"POST channels/{dm}/messages", body)

    assert (answer.status_code, answer.json()["code"]) == (400, 50035)


def test_message_without_enforced_nonce_is_sent_twice(ask: Ask) -> None:
    dm = ask("POST users/@me/channels", {"recipient_id": str(sample_user_id("maya.coach"))}).json()["id"]

    ids = {ask(f"POST channels/{dm}/messages", {"content": "x", "nonce": "n"}).json()["id"] for _ in range(2)}

    assert len(ids) == 2


def test_direct_channel_can_be_read_but_not_edited(ask: Ask) -> None:
    dm = ask("POST users/@me/channels", {"recipient_id": str(sample_user_id("maya.coach"))}).json()["id"]

    assert ask(f"GET channels/{dm}").json()["type"] == 1
    assert ask(f"PATCH channels/{dm}", {"name": "x"}).json()["code"] == 10003


def test_message_in_a_room_needs_sending(ask: Ask, guild: SandboxGuild) -> None:
    open_room = ask(f"POST guilds/{guild.pk}/channels", {"name": "x", "type": 2}).json()["id"]
    quiet = [{"id": str(guild.pk), "type": 0, "deny": "2048"}]
    closed = ask(f"POST guilds/{guild.pk}/channels", {"name": "y", "type": 0, "permission_overwrites": quiet}).json()[
        "id"
    ]

    assert ask(f"POST channels/{open_room}/messages", {"content": "hello"}).status_code == 200
    assert ask(f"POST channels/{closed}/messages", {"content": "hello"}).json()["code"] == 50013


def test_channel_is_renamed_and_moved(ask: Ask, guild: SandboxGuild) -> None:
    category = ask(f"POST guilds/{guild.pk}/channels", {"name": "C", "type": 4}).json()["id"]
    room = ask(f"POST guilds/{guild.pk}/channels", {"name": "x", "type": 2}).json()["id"]

    moved = ask(f"PATCH channels/{room}", {"name": "New name", "parent_id": category}).json()
    assert (moved["name"], moved["parent_id"]) == ("New name", category)

    assert ask(f"PATCH channels/{category}", {"parent_id": category}).json()["code"] == 50035
    assert ask(f"PATCH channels/{room}", {"parent_id": None}).json()["parent_id"] is None


def test_last_of_several_overwrites_for_one_target_counts(ask: Ask, guild: SandboxGuild) -> None:
    target = {"id": str(guild.pk), "type": 0}
    body = {"name": "x", "type": 2, "permission_overwrites": [target | {"allow": "1"}, target | {"allow": "16"}]}

    room = ask(f"POST guilds/{guild.pk}/channels", body).json()

    assert room["permission_overwrites"] == [target | {"allow": "16", "deny": "0"}]


def test_audit_reason_is_kept_decoded_and_without_what_cannot_be_stored(ask: Ask, guild: SandboxGuild) -> None:
    reason = "room%3D1%00%FF" + "x" * 600

    ask(f"POST guilds/{guild.pk}/channels", {"name": "x"}, **{"X-Audit-Log-Reason": reason})
    (entry,) = ask(f"GET guilds/{guild.pk}/audit-logs").json()["audit_log_entries"]

    assert entry["reason"].startswith("room=1\ufffdx")
    assert len(entry["reason"]) == 512


def test_member_is_moved_between_voice_channels_only(ask: Ask, guild: SandboxGuild) -> None:
    maya = sample_user_id("maya.coach")
    first = ask(f"POST guilds/{guild.pk}/channels", {"name": "a", "type": 2}).json()["id"]
    second = ask(f"POST guilds/{guild.pk}/channels", {"name": "b", "type": 2}).json()["id"]
    text = ask(f"POST guilds/{guild.pk}/channels", {"name": "c", "type": 0}).json()["id"]
    member = SandboxMember.objects.get(user_id=maya)
    SandboxChannel.objects.get(pk=first).voice_states.create(member=member)
    line = f"PATCH guilds/{guild.pk}/members/{maya}"

    assert ask(line, {"channel_id": text}).json()["code"] == 10003
    assert ask(line, {}).status_code == 200
    assert ask(line, {"channel_id": second}).status_code == 200

    state = ask(f"GET guilds/{guild.pk}/voice-states/{maya}").json()
    assert (state["channel_id"], state["user_id"]) == (second, str(maya))


def test_role_without_permissions_copies_everyones(ask: Ask, guild: SandboxGuild) -> None:
    role = ask(f"POST guilds/{guild.pk}/roles", {}).json()
    everyone = guild.roles.get(pk=guild.pk)

    assert (role["name"], role["permissions"]) == ("new role", str(everyone.permissions))
    assert ask(f"POST guilds/{guild.pk}/roles", {"permissions": "8"}).json()["code"] == 50013


def test_role_deleted_takes_its_overwrites_along(ask: Ask, guild: SandboxGuild) -> None:
    role = ask(f"POST guilds/{guild.pk}/roles", {"permissions": "0"}).json()["id"]
    body = {"name": "x", "type": 2, "permission_overwrites": [{"id": role, "type": 0, "allow": "1"}]}
    room = ask(f"POST guilds/{guild.pk}/channels", body).json()["id"]

    assert ask(f"DELETE guilds/{guild.pk}/roles/{role}").status_code == 204
    assert ask(f"GET channels/{room}").json()["permission_overwrites"] == []


def test_busy_database_is_an_overload(ask: Ask, guild: SandboxGuild, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_args: object) -> None:
        raise BusyError

    monkeypatch.setattr(gate, "lock_guild", locked)

    answer = ask(f"POST guilds/{guild.pk}/channels", {"name": "x"})

    assert (answer.status_code, answer.json()["code"]) == (503, 130000)


def test_administrator_bot_may_set_any_bit(ask: Ask, guild: SandboxGuild) -> None:
    guild.roles.filter(is_managed=True).update(permissions=int(Permission.ADMINISTRATOR))
    overwrites = [{"id": str(guild.pk), "type": 0, "allow": str(int(Permission.MANAGE_ROLES))}]

    answer = ask(f"POST guilds/{guild.pk}/channels", {"name": "x", "permission_overwrites": overwrites})

    assert answer.status_code == 201
