from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from tests.factories.accounts import make_user
from tests.factories.bookings import make_coach
from tests.factories.by_hand import make_method, store_payment, store_proof, store_refund

from greenroom.availability.models import Blackout, DateOverride, Schedule, Stay, WeeklyWindow
from greenroom.bookings.models import Booking
from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core.models import AuditEntry
from greenroom.integrations.manual.models import ManualPayment, ManualRefund
from greenroom.web.studio.urls import urlpatterns

PAGES = (
    "studio",
    "studio_sessions",
    "studio_session_new",
    "studio_clients",
    "studio_orders",
    "studio_orders_export",
    "studio_payments",
    "studio_schedule",
    "studio_explain",
    "studio_offers",
    "studio_offer_new",
    "studio_rates",
    "studio_rooms",
    "studio_download_new",
    "studio_profile",
)
POSTS_OF_SCHEDULE = ("studio_schedule_rename", "studio_schedule_default", "studio_schedule_remove")
POSTS = (
    "studio_session_new",
    "studio_schedule_new",
    "studio_schedule_week",
    "studio_schedule_undo",
    "studio_schedule_preview",
    "studio_override_add",
    "studio_stay_add",
    "studio_blackout_add",
    "studio_offer_new",
    "studio_rates",
    "studio_rooms",
    "studio_download_new",
    "studio_profile",
)
OF_BOOKING = (
    "studio_session", "studio_client", "studio_session_no_show", "studio_session_cancel", "studio_session_call_off",
    "studio_session_propose",
)  # fmt: skip
POSTS_OF_BOOKING = (
    "studio_session_start", "studio_session_complete", "studio_session_no_show", "studio_session_cancel",
    "studio_session_call_off", "studio_session_propose", "studio_session_propose_nearest", "studio_session_withdraw",
)  # fmt: skip
POSTS_OF_OFFER = (
    "studio_offer", "studio_offer_publish", "studio_offer_unpublish", "studio_offer_archive", "studio_offer_restore",
    "studio_offer_file_add", "studio_offer_rooms",
)  # fmt: skip
POSTS_OF_PAYMENT = ("studio_payment", "studio_payment_refund")
OF_PAYMENT = (*POSTS_OF_PAYMENT, "studio_payment_proof")
GETS = [*PAGES, *OF_BOOKING, *OF_PAYMENT, "studio_offer", "studio_offer_rooms"]
WRITES = [
    *POSTS,
    *POSTS_OF_BOOKING,
    *POSTS_OF_OFFER,
    *POSTS_OF_SCHEDULE,
    *POSTS_OF_PAYMENT,
    "studio_offer_file_remove",
    "studio_override_remove",
    "studio_stay_remove",
    "studio_blackout_remove",
]
OBJECTS = (
    "studio_session",
    "studio_client",
    "studio_offer",
    "studio_override",
    "studio_stay",
    "studio_blackout",
    "studio_payment",
    *POSTS_OF_SCHEDULE,
)


@pytest.fixture
def address(booking: Booking) -> Any:
    """Return a function that gives the address of a name, for Maya's own objects."""
    coach = booking.coach
    override = DateOverride.objects.create(schedule=Schedule.objects.get(coach=coach), on=date(2026, 3, 9))
    blackout = Blackout.objects.create(coach=coach, starts_at="2026-03-10T00:00:00Z", ends_at="2026-03-11T00:00:00Z")
    stay = override.schedule.stays.create(first_day="2026-03-12", last_day="2026-03-13", tz="Asia/Tokyo")
    removable = {
        "studio_override_remove": override, "studio_stay_remove": stay, "studio_blackout_remove": blackout,
    }  # fmt: skip
    offer_pk = booking.session.offer_id
    now = booking.created_at
    payment = store_payment(coach, make_method(coach_approves=True), now=now)
    paid = store_refund(store_payment(coach, payment.method, now=now), now=now)
    of_payment = {
        "studio_payment": [payment.ref],
        "studio_payment_refund": [paid.ref],
        "studio_payment_proof": [payment.ref, store_proof(payment, now=now).ref],
    }

    def build(name: str) -> str:
        if name == "studio_offer_file_remove":
            return reverse(name, args=[offer_pk, "any-file"])
        if name in of_payment:
            return reverse(name, args=of_payment[name])
        if name in removable:
            return reverse(name, args=[removable[name].pk])
        if name in POSTS_OF_SCHEDULE:
            return reverse(name, args=[override.schedule_id])
        if name in {*OF_BOOKING, *POSTS_OF_BOOKING}:
            return reverse(name, args=[booking.ref])
        return reverse(name, args=[offer_pk] if name in POSTS_OF_OFFER else [])

    return build


def everything() -> list[Any]:
    tables = (
        ManualPayment,
        ManualRefund,
        Booking,
        Offer,
        Schedule,
        WeeklyWindow,
        DateOverride,
        Stay,
        Blackout,
        Coach,
        AuditEntry,
    )
    return [list(table._default_manager.values()) for table in tables]


def test_every_address_of_the_studio_is_tested_here() -> None:
    assert {pattern.name for pattern in urlpatterns} == {*GETS, *WRITES}


@pytest.mark.parametrize("name", GETS)
def test_anonymous_visitors_are_sent_to_sign_in_and_back(client: Client, address: Any, name: str) -> None:
    path = address(name)

    answer = client.get(path)

    assert answer.status_code == 302
    assert answer["Location"] == f"{reverse('account_login')}?next={quote(path)}"


@pytest.mark.parametrize("name", WRITES)
def test_anonymous_writes_lead_to_sign_in_and_change_nothing(client: Client, address: Any, name: str) -> None:
    path, before = address(name), everything()

    answer = client.post(path)

    assert (answer.status_code, answer["Location"]) == (302, f"{reverse('account_login')}?next=/studio/")
    assert everything() == before


@pytest.mark.parametrize(("method", "name"), [*(("get", one) for one in GETS), *(("post", one) for one in WRITES)])
def test_a_student_has_no_studio(client: Client, address: Any, method: str, name: str) -> None:
    path, before = address(name), everything()
    client.force_login(make_user())

    answer = getattr(client, method)(path)

    assert answer.status_code == 404
    assert everything() == before


@pytest.mark.parametrize(
    ("method", "name"),
    [
        *(("get", one) for one in GETS if one.startswith(OBJECTS) and one not in PAGES),
        *(("post", one) for one in WRITES if one.startswith(OBJECTS) and one not in POSTS),
    ],
)
def test_another_coachs_object_is_not_found(client: Client, address: Any, method: str, name: str) -> None:
    path = address(name)
    other = make_coach("noah")
    before = everything()
    client.force_login(other.user)

    answer = getattr(client, method)(path)

    assert answer.status_code == 404
    assert everything() == before


@pytest.mark.parametrize("name", GETS)
def test_pages_open_for_their_coach_and_are_not_kept_by_caches(desk: Client, address: Any, name: str) -> None:
    answer = desk.get(address(name))

    if name in {"studio_session_no_show", "studio_session_call_off"}:  # not begun, and no group
        assert answer.status_code == 302
        return
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("name", [one for one in WRITES if one not in GETS])
def test_a_get_never_changes_anything(desk: Client, address: Any, name: str) -> None:
    path, before = address(name), everything()

    assert desk.get(path).status_code == 405
    assert everything() == before


@pytest.mark.parametrize("name", WRITES)
def test_writes_need_the_csrf_token(coach: Coach, address: Any, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(coach.user)
    path, before = address(name), everything()

    assert client.post(path).status_code == 403
    assert everything() == before
