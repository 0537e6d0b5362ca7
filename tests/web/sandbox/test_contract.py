"""What tests from outside rely on: shapes, refusals, and that neither cookie nor token is needed."""

import json
from datetime import UTC, datetime, timedelta
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from tests.bookings.steps import ADDRESSES
from tests.factories.bookings import make_booking
from tests.factories.processes import run_python

from greenroom.config.demo import ensure_demo
from greenroom.core import clock
from greenroom.core.clock import OffsetClock
from greenroom.core.instants import iso
from greenroom.integrations.discord.sandbox import faults as discord_faults
from greenroom.integrations.mail.protocol import Attachment, Mail
from greenroom.integrations.mail.sandbox import transport
from greenroom.integrations.sandbox import faults
from greenroom.integrations.sandbox.faults import Seam
from greenroom.integrations.stripe.sandbox import faults as stripe_faults
from greenroom.integrations.stripe.sandbox.cards import CARDS
from greenroom.integrations.stripe.sandbox.models import Checkout

STATE_WORDS = {"now", "cron_secret", "coaches", "users", "discord", "mailbox", "payments"}
DISCORD_WORDS = {"before_booking", "before_payment", "before_join", "not_required"}

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, body: Any, kind: str = "application/json") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.generic("POST", path, content, kind)


def state(client: Client) -> dict[str, Any]:
    answer = client.get("/sandbox/state.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert "no-store" in answer["Cache-Control"]
    found: dict[str, Any] = answer.json()
    return found


def test_state_of_the_demo_has_exactly_the_promised_shape(outside: Client) -> None:
    ensure_demo()

    told = state(outside)

    assert set(told) == STATE_WORDS
    assert abs(datetime.fromisoformat(told["now"]) - datetime.now(UTC)) < timedelta(seconds=10)
    assert told["cron_secret"]
    for coach in told["coaches"]:
        assert set(coach) == {"slug", "time_zone", "offers"}
        for offer in coach["offers"]:
            assert set(offer) == {"slug", "duration", "price_minor", "currency", "discord"}
            assert {type(offer["duration"]), type(offer["price_minor"])} == {int}
            assert offer["discord"] in DISCORD_WORDS
    assert all(set(user) == {"email", "role", "discord_user_id"} for user in told["users"])
    assert {user["role"] for user in told["users"]} == {"admin", "coach", "student"}
    assert set(told["discord"]) == {"api_base", "guild_id", "bot_token"}
    assert told["discord"]["api_base"].endswith("/api/v10")
    assert (told["mailbox"], told["payments"]) == ([], [])
    assert outside.cookies == {}


def test_first_offer_of_the_demo_is_what_was_promised(outside: Client) -> None:
    ensure_demo()

    first, *others = state(outside)["coaches"]
    offer = first["offers"][0]

    assert offer["price_minor"] > 0
    assert offer["duration"] <= 60
    assert offer["discord"] == "before_join"
    assert any(one["discord"] == "not_required" for one in others[0]["offers"])
    linked = {user["email"]: user["discord_user_id"] for user in state(outside)["users"]}
    assert linked["maya@greenroom.example"].isdecimal()


def test_mails_are_told_with_their_attachments(outside: Client) -> None:
    sent = Mail("m1", "ann@example.org", "Hello", "Text", "<p>Text</p>", (Attachment("a.ics", "text/calendar", b"X"),))
    transport.SandboxTransport().send(sent)

    [mail] = state(outside)["mailbox"]

    assert set(mail) == {"to", "subject", "text", "html", "sent_at", "attachments"}
    assert mail["attachments"] == [{"name": "a.ics", "type": "text/calendar", "content": "WA=="}]


def test_payments_are_told_with_their_page(outside: Client) -> None:
    now = clock.now()
    Checkout.objects.create(
        ref="cs_test_1",
        metadata={"order_ref": "o1"},
        amount_minor=5000,
        currency="EUR",
        lines=[],
        success_url=ADDRESSES.success_url,
        cancel_url=ADDRESSES.cancel_url,
        expires_at=now + timedelta(minutes=30),
        created_at=now,
    )

    [payment] = state(outside)["payments"]

    assert payment == {
        "ref": "cs_test_1",
        "order": "o1",
        "status": "open",
        "amount_minor": 5000,
        "refunded_minor": 0,
        "currency": "EUR",
        "pay_url": "http://localhost:8000/sandbox/pay/cs_test_1",
    }


def test_clock_moves_by_seconds_and_to_an_instant(outside: Client) -> None:
    before = clock.now()

    by = post(outside, "/sandbox/clock", {"advance_seconds": 3600})
    to = post(outside, "/sandbox/clock", {"now": iso(before + timedelta(days=2))})

    assert (by.status_code, to.status_code) == (200, 200)
    assert abs(datetime.fromisoformat(by.json()["now"]) - before - timedelta(hours=1)) < timedelta(seconds=5)
    assert abs(clock.now() - before - timedelta(days=2)) < timedelta(seconds=5)
    assert state(outside)["now"] == iso(clock.now())


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
def test_content_type_does_not_matter(outside: Client, kind: str) -> None:
    assert post(outside, "/sandbox/clock", {"advance_seconds": 0.5}, kind).status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"advance_seconds": -1}, "advance_seconds"),
        ({"advance_seconds": -0.001}, "advance_seconds"),
        ({"advance_seconds": 1e300}, "advance_seconds"),
        ({"advance_seconds": 10**400}, "advance_seconds"),
        ({"advance_seconds": True}, "advance_seconds"),
        ({"advance_seconds": None}, "advance_seconds"),
        ({"advance_seconds": "60"}, "advance_seconds"),
        ({"advance_seconds": [60]}, "advance_seconds"),
        ({"advance_seconds": 1, "now": "2030-01-01T00:00:00Z"}, "advance_seconds"),
        ({}, "advance_seconds"),
        ({"now": "2020-01-01T00:00:00Z"}, "now"),
        ({"now": "2030-01-01T00:00:00"}, "now"),
        ({"now": "9999-01-01T00:00:00Z"}, "now"),
        ({"now": "\ud800"}, "now"),
        ({"now": 5}, "now"),
        ({"now": None}, "now"),
        (b'{"advance_seconds": NaN}', "advance_seconds"),
        (b'{"advance_seconds": Infinity}', "advance_seconds"),
        (b'{"advance_seconds": -Infinity}', "advance_seconds"),
        (b'{"advance_seconds": 1e400}', "advance_seconds"),
        (b'{"advance_seconds": ' + b"9" * 5000 + b"}", "body"),
        (b"[" * 100_000, "body"),
        (b'{"a":' * 40_000, "body"),
        (b"[" + b"1," * 60_000 + b"1]", "body"),
        (b"", "body"),
        (b"null", "body"),
        (b'"x"', "body"),
        (b"\xff\xfe\x00", "body"),
    ],
    ids=repr,
)
def test_absurd_moves_of_the_clock_are_refused(
    outside: Client, sandbox_clock: OffsetClock, body: Any, field: str
) -> None:
    answer = post(outside, "/sandbox/clock", body)

    assert (answer.status_code, answer.json()["field"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, field)
    assert answer.json()["detail"]
    assert sandbox_clock.offset() == timedelta()


def test_clock_stops_before_the_calendar_of_the_site_ends(outside: Client) -> None:
    ensure_demo()
    while post(outside, "/sandbox/clock", {"advance_seconds": 10 * 365 * 24 * 3600}).status_code == HTTPStatus.OK:
        assert clock.now().year < 2200

    for path in ("/", "/coaches/", "/book/maya-lindqvist/", "/sandbox/"):
        assert outside.get(path).status_code == HTTPStatus.OK


@pytest.fixture
def known_faults() -> Any:
    before = faults.known_faults()
    faults.use({Seam.PAYMENTS: stripe_faults.FAULTS, Seam.DISCORD: discord_faults.FAULTS, Seam.MAIL: transport.FAULTS})
    yield faults.known_faults()
    faults.use(before)


def test_every_listed_fault_can_be_armed(outside: Client, known_faults: Any) -> None:
    page = outside.get("/sandbox/").content.decode()

    for seam, table in known_faults.items():
        for name in table:
            answer = post(outside, "/sandbox/faults", {"seam": seam.value, "fault": name, "count": 2})
            assert (answer.status_code, answer.json()) == (200, {"seam": seam.value, "fault": name, "count": 2})
            assert f"<code>{name}</code>" in page
    assert set(faults.remaining().values()) == {2}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"seam": "moon", "fault": "refused", "count": 1}, "seam"),
        ({"seam": None, "fault": "refused"}, "seam"),
        ({"seam": ["mail"], "fault": "refused"}, "seam"),
        ({"seam": "mail", "fault": "nothing"}, "fault"),
        ({"seam": "mail", "fault": "\x00"}, "fault"),
        ({"seam": "mail", "fault": {"a": 1}}, "fault"),
        ({"seam": "mail"}, "fault"),
        ({}, "seam"),
        ({"seam": "mail", "fault": "refused", "count": -1}, "count"),
        ({"seam": "mail", "fault": "refused", "count": 10**30}, "count"),
        ({"seam": "mail", "fault": "refused", "count": True}, "count"),
        ({"seam": "mail", "fault": "refused", "count": 1.5}, "count"),
        ({"seam": "mail", "fault": "refused", "count": "1"}, "count"),
        ({"seam": "mail", "fault": "refused", "count": None}, "count"),
        (b'{"seam": "mail", "fault": "refused", "count": NaN}', "count"),
        (b"[]", "body"),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("known_faults")
def test_faults_name_the_field_at_fault(outside: Client, body: Any, field: str) -> None:
    answer = post(outside, "/sandbox/faults", body)

    assert (answer.status_code, answer.json()["field"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, field)
    assert faults.remaining() == {}


@pytest.mark.parametrize("path", ["/sandbox/clock", "/sandbox/faults"])
def test_endpoints_take_posts_alone_and_no_floods(outside: Client, path: str) -> None:
    methods = [outside.generic(method, path).status_code for method in ("GET", "PUT", "DELETE", "PATCH")]

    assert methods == [HTTPStatus.METHOD_NOT_ALLOWED] * 4
    assert post(outside, path, b"[" + b"1," * 200_000).status_code == HTTPStatus.BAD_REQUEST


def test_state_is_only_read(client: Client) -> None:
    assert client.post("/sandbox/state.json").status_code == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "[::1", "a b"])
@pytest.mark.parametrize("path", ["/sandbox/state.json", "/sandbox/", "/", "/sandbox/discord/api/v10/users/@me"])
def test_another_host_is_refused(outside: Client, host: str, path: str) -> None:
    answer = outside.get(path, headers={"Host": host})

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert b"cron_secret" not in answer.content


@pytest.mark.parametrize("path", ["/sandbox/clock/step/", "/sandbox/faults/arm/", "/sandbox/disputes/"])
def test_buttons_of_the_console_need_a_token(outside: Client, path: str) -> None:
    assert outside.post(path, {"seconds": "300"}).status_code == HTTPStatus.FORBIDDEN


def test_console_explains_every_card_and_every_fault(client: Client) -> None:
    page = unescape(client.get("/sandbox/").content.decode())

    for card in CARDS.values():
        assert card.label in page
    for name, sentence in stripe_faults.FAULTS.items():
        assert name in page
        assert sentence in page
        assert sentence.endswith(".")


def test_console_plays_the_cardholder_and_the_bank(client: Client) -> None:
    checkout = Checkout.objects.create(
        ref="cs_1",
        payment_ref="pi_1",
        state="paid",
        amount_minor=8000,
        currency="EUR",
        captured_minor=8000,
        captured_currency="EUR",
        lines=[],
        metadata={"order_ref": "order-1"},
        created_at=clock.now(),
        expires_at=clock.now(),
    )

    def press(step: str) -> str:
        latest = checkout.disputes.order_by("-pk").first()
        fields = {"payment": "cs_1", "dispute": latest.ref if latest else "", "step": step}
        return client.post("/sandbox/disputes/", fields, follow=True).content.decode()

    assert "Dispute it" in client.get("/sandbox/").content.decode()
    assert "Done. The gateway tells" in press("inquire")
    assert "cannot take that step" in press("win")
    press("escalate")
    assert "Decide: won" in press("answer")
    press("lose")

    assert checkout.disputes.get().status == "lost"


@pytest.mark.parametrize("seconds", ["300", "301", "", "-300", "x"])
def test_console_steps_only_by_its_own_buttons(client: Client, sandbox_clock: OffsetClock, seconds: str) -> None:
    answer = client.post("/sandbox/clock/step/", {"seconds": seconds})

    assert answer["Location"] == "/sandbox/"
    assert sandbox_clock.offset() == timedelta(seconds=300 if seconds == "300" else 0)


@pytest.mark.usefixtures("known_faults")
@pytest.mark.parametrize(("fault", "count"), [("refused", 1), ("nothing", 0), ("", 0)])
def test_console_arms_one_fault(client: Client, fault: str, count: int) -> None:
    answer = client.post("/sandbox/faults/arm/", {"seam": "mail", "fault": fault}, follow=True)

    assert answer.status_code == HTTPStatus.OK
    assert len(faults.remaining()) == count


@pytest.mark.parametrize(
    "query", ["", "?as=x", "?as=%00", "?as=" + "9" * 5000, "?page=-1", "?to=%00", "?to=" + "x" * 5000]
)
@pytest.mark.parametrize("path", ["guild/", "mailbox/", "channels/1/2", "channels/%00/é", ""])
def test_pages_of_the_console_take_any_query(client: Client, path: str, query: str) -> None:
    ensure_demo()

    assert client.get(f"/sandbox/{path}{query}").status_code == HTTPStatus.OK


def test_mail_is_shown_as_text(client: Client) -> None:
    transport.SandboxTransport().send(Mail("m1", "ann@example.org", "<b>x", "<script>alert(1)</script>", "<i>", ()))
    pk = transport.DeliveredMail.objects.get().pk

    page = client.get(f"/sandbox/mailbox/{pk}/").content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "<b>x" not in page + client.get("/sandbox/mailbox/?to=ann@example.org").content.decode()
    assert client.get(f"/sandbox/mailbox/{'9' * 30}/").status_code == HTTPStatus.NOT_FOUND


ASK_PRODUCTION = """
from django.test import Client
from django.conf import settings
client = Client(headers={"Host": "coach.example"})
paths = ["", "state.json", "clock", "faults", "clock/step/", "faults/arm/", "guild/", "channels/1/2", "mailbox/",
    "mailbox/1/", "pay/x", "discord/api/v10/users/@me", "discord/oauth2/authorize"]
for path in paths:
    for method in ("GET", "POST"):
        print(client.generic(method, f"/sandbox/{path}", b"{}", "application/json", secure=True).status_code)
"""


@pytest.mark.django_db(transaction=True)
def test_production_knows_no_sandbox(tmp_path: Path) -> None:
    done = run_python(
        ASK_PRODUCTION,
        data_dir=tmp_path,
        GREENROOM_MODE="production",
        GREENROOM_BASE_URL="https://coach.example",
        GREENROOM_SECRET_KEY="s" * 50,
        GREENROOM_ENCRYPTION_KEYS="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    )

    assert done.stderr == ""
    assert done.stdout.split() == ["404"] * 26


def test_upcoming_bookings_do_not_show_in_the_state(outside: Client) -> None:
    now = clock.now()
    booking = make_booking(starts_at=now + timedelta(days=1), now=now)

    assert booking.ref not in json.dumps(state(outside))
