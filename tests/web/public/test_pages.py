"""What holds for every page: policy, caching, methods, tokens, escaping, redirects, and how many questions it asks."""

import re
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.utils.html import strip_tags
from tests.bookings.steps import at, confirmed, mails
from tests.factories.accounts import make_admin, make_user
from tests.factories.bookings import make_coach, make_offer
from tests.factories.downloads import make_download
from tests.web.public.browsing import ANN, described, held, paid, pending, said

from greenroom.bookings.queries import manage_token
from greenroom.catalog.models import IntakeQuestion, Offer
from greenroom.coaches.models import Coach, Topic
from greenroom.integrations.stripe.gateway import StripeGateway
from greenroom.jobs.services import plan
from greenroom.orders.types import TaxRule
from greenroom.payments import gateways

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7|add:7 }}"
OUTSIDE = [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "///evil.example",
    "javascript:alert(1)",
    "http:///evil.example",
    " //evil.example",
    "\t//evil.example",
    "/\t/evil.example",
    "evil.example",
    "",
    "\x00",
    "/" + "a" * 9000,
    "//[",
    "https:evil.example",
]

pytestmark = pytest.mark.usefixtures("offer")


@pytest.fixture
def addresses(client: Client, offer: Offer, now: Any) -> list[str]:
    """Every page that this browser may open, with rows behind each of them."""
    free, booking = described(client, "2026-03-05T09:00:00Z"), paid(client)
    job, token = plan(kind="test.work", key="x", due_at=now, now=now), manage_token(booking)
    return [
        "/",
        "/coaches/",
        "/coaches/?q=x&max_price=-1&topic=none",
        "/zones/",
        "/zones/?q=utc",
        "/maya/",
        "/maya/call/",
        "/book/maya/",
        "/book/maya/?date=2026-03-05&tz=Asia/Tokyo&h=12",
        "/find-booking/",
        "/sessions/",
        f"/booking/{free.ref}/details/",
        f"/checkout/{free.ref}/",
        f"/booking/confirmed/{booking.ref}/",
        f"/booking/cancel/{booking.ref}/",
        f"/checkout/{booking.ref}/?token={token}",
        f"/session/{booking.session.ref}/",
        f"/session/{booking.session.ref}/?token={token}",
        f"/manage/{token}/",
        f"/manage/{token}/cancel/",
        f"/manage/{token}/reschedule/",
        f"/manage/{token}/reschedule/?starts_at=2026-03-06T10:00:00Z",
        f"/manage/{token}/session.ics",
        "/account/login/",
        "/account/login/code/",
        "/account/password/reset/",
        "/account/",
        "/account/new/",
        "/discord/connect/",
        "/api/auth/discord/callback",
        "/api/auth/discord/callback?code=x&state=y",
        "/ops/",
        f"/ops/jobs/{job.pk}/retry/",
        "/studio/",
        "/studio/sessions/",
        f"/studio/sessions/{booking.ref}/",
        f"/studio/sessions/{booking.ref}/cancel/",
        "/studio/schedule/",
        "/studio/offers/",
        "/studio/offers/new/",
        f"/studio/offers/{offer.pk}/",
        f"/studio/offers/{offer.pk}/archive/",
        "/studio/profile/",
        "/admin/",
        "/admin/login/",
        "/sandbox/",
        "/sandbox/state.json",
        "/sandbox/clock",
        "/sandbox/faults",
        "/sandbox/guild/",
        "/sandbox/mailbox/",
        "/sandbox/channels/1/2",
        "/healthz",
        "/readyz",
        "/nowhere/",
        "/a/b/c/",
        "/theme/",
        f"/booking/{free.ref}/extend/",
        f"/booking/{free.ref}/release/",
        f"/booking/{free.ref}/discord/",
        "/api/v1/coaches",
        "/api/webhooks/stripe",
        "//evil.example/coaches",
        "//evil.example/coaches/",
    ]


def rows() -> dict[str, list[Any]]:
    """Return every row of the site; sessions of browsers are not the site's matter."""
    kept = [model for model in apps.get_models() if model._meta.label != "sessions.Session"]
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in kept}


@pytest.mark.parametrize("who", ["guest", "student", "coach", "admin"])
def test_reading_changes_nothing_and_fails_nowhere(
    client: Client, offer: Offer, addresses: list[str], who: str
) -> None:
    people = {"student": lambda: make_user("s@example.org"), "coach": lambda: offer.coach.user, "admin": make_admin}
    if who in people:
        client.force_login(people[who]())
    before = rows()

    for address in addresses:
        answer = client.get(address)
        assert answer.status_code < 500, address
        assert rows() == before, address


def test_every_answer_carries_the_policy(client: Client, addresses: list[str]) -> None:
    for address in addresses:
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy, address
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert answer["X-Frame-Options"] == "DENY", address
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] in {"same-origin", "strict-origin"}  # never a whole address elsewhere


def test_personal_pages_are_kept_nowhere(client: Client, addresses: list[str]) -> None:
    personal = (
        "/booking",
        "/checkout",
        "/session",
        "/manage",
        "/sessions",
        "/ops",
        "/studio",
        "/sandbox/mailbox",
        "/sandbox/guild",
    )

    for address in addresses:
        if address.startswith(personal):
            answer = client.get(address)
            assert answer.status_code != HTTPStatus.OK or "no-store" in answer["Cache-Control"], address


def test_site_holds_no_redirect_to_elsewhere(client: Client, addresses: list[str]) -> None:
    for address in addresses:
        assert not client.get(address).get("Location", "/").startswith(("//", "http", "\\"))


@pytest.mark.parametrize("wanted", OUTSIDE)
def test_wanted_paths_lead_nowhere_else(client: Client, wanted: str) -> None:
    booking = held(client)

    theme = client.post("/theme/", {"next": wanted, "theme": "dark"})
    page = client.get("/zones/", {"next": wanted})
    left = client.post(f"/booking/{booking.ref}/discord/?next={wanted.strip()}")

    assert theme.status_code in {302, 400}
    assert theme.get("Location", "/").startswith("/")
    assert not theme.get("Location", "/").startswith(("//", "/\\"))
    assert page.status_code == HTTPStatus.OK
    assert "evil.example" not in page.context["next_path"]
    assert left.status_code < 500


def test_line_breaks_in_a_wanted_path_begin_no_header(client: Client) -> None:
    answer = client.post("/theme/", {"next": "/x\r\nSet-Cookie: a=b", "theme": "dark\r\nX: y"})

    assert "\r" not in answer["Location"]
    assert "a" not in client.cookies
    assert not answer.has_header("X")


@pytest.mark.parametrize(("theme", "kept"), [("dark", "dark"), ("light", "light"), ("pink", ""), ("", "")])
def test_theme_is_one_of_two_words(client: Client, theme: str, kept: str) -> None:
    client.post("/theme/", {"theme": theme, "next": "/coaches/"})

    assert client.cookies["theme"].value == kept
    assert client.get("/").context["theme"] == kept


def test_every_form_of_the_pages_needs_a_token() -> None:
    honest = Client()
    booking, free = paid(honest), described(honest, "2026-03-05T09:00:00Z")
    token, strict = manage_token(booking), Client(enforce_csrf_checks=True)
    strict.cookies = honest.cookies
    before = rows()

    for path in (
        "/book/maya/",
        f"/booking/{free.ref}/details/",
        f"/booking/{free.ref}/extend/",
        f"/booking/{free.ref}/release/",
        f"/booking/{free.ref}/discord/",
        f"/checkout/{free.ref}/",
        f"/manage/{token}/cancel/",
        f"/manage/{token}/reschedule/",
        "/find-booking/",
        "/theme/",
        "/account/logout/",
        "/ops/jobs/1/retry/",
        "/studio/profile/",
    ):
        assert strict.post(path, ANN | {"terms": "on"}).status_code == HTTPStatus.FORBIDDEN, path
    assert rows() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    booking = paid(client)
    token = manage_token(booking)

    for path in (
        "/",
        "/coaches/",
        "/maya/",
        "/book/maya/",
        "/zones/",
        "/theme/",
        "/find-booking/",
        "/sessions/",
        f"/booking/{booking.ref}/details/",
        f"/checkout/{booking.ref}/",
        f"/manage/{token}/",
        f"/manage/{token}/cancel/",
        f"/manage/{token}/session.ics",
        f"/session/{booking.session.ref}/",
        f"/booking/confirmed/{booking.ref}/",
    ):
        assert client.generic(method, path).status_code == HTTPStatus.METHOD_NOT_ALLOWED, path


def test_acts_are_not_done_by_reading(client: Client) -> None:
    booking = held(client)

    for act in ("extend", "release", "discord"):
        assert client.get(f"/booking/{booking.ref}/{act}/").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_what_people_write_is_never_run(client: Client, offer: Offer, run_jobs: Callable[..., None]) -> None:
    Coach.objects.update(display_name=EVIL[:80], headline=EVIL, bio=EVIL, languages=EVIL)
    offer.coach.topics.add(Topic.objects.create(slug="x", name=EVIL[:80]))
    Offer.objects.update(title=EVIL[:80], summary=EVIL)
    IntakeQuestion.objects.create(offer=offer, key="q", label=EVIL)
    words = {"name": EVIL, "goals": EVIL, "notes": EVIL, "question_q": EVIL}
    free = held(client, "2026-03-05T09:00:00Z")
    refused = client.post(f"/booking/{free.ref}/details/", words | {"email": EVIL})
    client.post(f"/booking/{free.ref}/details/", ANN | words)
    booking = paid(client, **words)
    run_jobs()
    token, desk = manage_token(booking), Client()
    desk.force_login(offer.coach.user)

    pages = (
        [refused]
        + [
            client.get(path)
            for path in (
                "/",
                "/coaches/",
                f"/coaches/?q={EVIL}",
                "/maya/",
                "/book/maya/",
                f"/zones/?q={EVIL}&next=/{EVIL}",
                f"/checkout/{free.ref}/",
                f"/booking/confirmed/{booking.ref}/",
                f"/manage/{token}/",
                f"/manage/{token}/cancel/",
                f"/manage/{token}/reschedule/",
                f"/session/{booking.session.ref}/",
                "/sandbox/",
                "/sandbox/mailbox/",
                f"/sandbox/mailbox/?to={EVIL}",
                f"/nowhere/{EVIL}/",
            )
        ]
        + [
            desk.get(path)
            for path in (
                "/studio/",
                "/studio/sessions/",
                f"/studio/sessions/{booking.ref}/",
                f"/session/{booking.session.ref}/",
                "/studio/profile/",
                "/studio/offers/",
            )
        ]
    )

    for page in pages:
        text = page.content.decode()
        assert "<script>alert" not in text, page.request["PATH_INFO"]
        assert "<img src=x" not in text, page.request["PATH_INFO"]
    assert any("&lt;script&gt;alert(1)" in page.content.decode() for page in pages)
    assert mails("ann@example.org")


def add_coaches(count: int) -> None:
    for number in range(count - 1):
        coach = make_coach(f"coach-{number}")
        make_offer(coach)
        make_download(coach, price_minor=6000)


def test_card_of_a_coach_without_times_leads_to_their_offers_with_the_least_price(client: Client) -> None:
    make_download(make_coach("zoe"))

    page = client.get("/coaches/?q=zoe")

    words = " ".join(strip_tags(page.content.decode()).split())
    assert "No free times just now Offers from €19 of Coach zoe" in words
    assert page.context["coaches"][0]["book_url"] == ""


@pytest.mark.parametrize("coaches", [1, 3])
@pytest.mark.parametrize(("path", "queries"), [("/", 12), ("/coaches/", 13), ("/maya/", 8), ("/book/maya/", 10)])
def test_number_of_queries_does_not_grow_with_the_coaches(
    client: Client, django_assert_num_queries: Callable[..., Any], coaches: int, path: str, queries: int
) -> None:
    add_coaches(coaches)

    with django_assert_num_queries(queries):
        client.get(path)


@pytest.mark.parametrize("bookings", [1, 3])
def test_number_of_queries_does_not_grow_with_the_bookings(
    client: Client, offer: Offer, django_assert_num_queries: Callable[..., Any], bookings: int
) -> None:
    user = make_user()
    for number in range(bookings):
        confirmed(offer, at(12) + timedelta(days=number), holder=str(number), student=user)
    client.force_login(user)

    with django_assert_num_queries(8):
        assert len(client.get("/sessions/").context["rows"]) == bookings


def test_directory_finds_by_word_topic_and_price(client: Client, offer: Offer) -> None:
    add_coaches(2)
    offer.coach.topics.add(Topic.objects.create(slug="chess", name="Chess"))
    offer.durations.update(price_minor=2000)

    def names(query: str) -> list[str]:
        return [card["name"] for card in client.get(f"/coaches/?{query}").context["coaches"]]

    assert names("") == ["Coach maya", "Coach coach-0"]
    assert names("q=MAYA") == names("q=chess") == names("topic=chess") == names("max_price=20") == ["Coach maya"]
    assert names("q=nobody+here") == []
    assert names("topic=nothing") == names("max_price=-5") == names("q=%00") == ["Coach maya", "Coach coach-0"]


def test_cards_show_the_next_free_time(client: Client) -> None:
    [card] = client.get("/").context["coaches"]

    assert (card["next_at"], card["price"].minor) == (at(10, day=2), 5000)


def test_hidden_coach_is_nowhere(client: Client) -> None:
    make_offer(make_coach("hidden", status="applied"))  # type: ignore[arg-type]  # the stored word

    for path in ("/", "/coaches/"):
        assert "Coach hidden" not in said(client.get(path))


def test_browser_that_goes_to_the_gateway_is_allowed_to(client: Client) -> None:
    booking = pending(client)

    def origins() -> str:
        policy = client.get(f"/checkout/{booking.ref}/")["Content-Security-Policy"]
        return next(part for part in policy.split(";") if "form-action" in part)

    sandbox, wired = origins(), gateways.hosted()
    gateways.use(StripeGateway("sk_test_1", tuple))
    stripe = origins()
    gateways.use(wired)

    assert "http://localhost:8000" in sandbox  # the sandbox's own pay page
    assert "https://checkout.stripe.com" in stripe
    assert "stripe" not in sandbox


def words(answer: Any) -> str:
    """Return what can be read on a page, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", said(answer)).split())


def test_tax_on_top_is_said_beside_each_price_and_added_at_the_checkout(client: Client, settings: Any) -> None:
    settings.TAX = TaxRule("VAT", 2100, is_on_top=True)
    booking = pending(client)

    checkout = words(client.get(f"/checkout/{booking.ref}/"))

    assert "€50 + VAT 21 %" in words(client.get("/maya/"))
    assert "€50 + VAT 21 %" in checkout
    assert "VAT 21 % €10.50 Total €60.50" in checkout


def test_tax_inside_prices_is_a_note_at_the_checkout(client: Client, settings: Any) -> None:
    settings.TAX = TaxRule("VAT", 2100)
    booking = pending(client)

    checkout = words(client.get(f"/checkout/{booking.ref}/"))

    assert "+ VAT" not in words(client.get("/maya/"))
    assert "Total €50 VAT 21 % included: €8.68" in checkout
