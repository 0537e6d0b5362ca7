from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from tests.factories.accounts import make_admin
from tests.factories.rooms import World
from tests.rooms.conftest import Book

from greenroom.jobs.models import Job
from greenroom.rooms.models import BotRecord, Room

HOUR = timedelta(hours=1)


@pytest.fixture
def admin(client: Client, world: World) -> Client:  # noqa: ARG001 -- its database
    client.force_login(make_admin())
    return client


@pytest.mark.parametrize("model", ["room", "discordobject", "botrecord"])
def test_lists_open_and_offer_no_adding(admin: Client, world: World, book: Book, model: str) -> None:
    book(HOUR, student="sam.student")
    BotRecord.objects.create(fingerprint="ab" * 32)
    world.run()

    page = admin.get(reverse(f"admin:rooms_{model}_changelist"))

    assert page.status_code == 200
    assert admin.get(reverse(f"admin:rooms_{model}_add")).status_code == 403


def test_room_shows_its_people_and_cannot_be_changed(admin: Client, world: World, book: Book) -> None:
    book(HOUR, student="sam.student")
    world.run()
    url = reverse("admin:rooms_room_change", args=[Room.objects.get().pk])

    page = admin.get(url)

    assert page.status_code == 200
    assert "joining" in page.content.decode()
    assert admin.post(url, {"state": "gone"}).status_code == 403


def test_button_has_rooms_looked_at_now(admin: Client, world: World, book: Book) -> None:
    book(24 * HOUR)
    world.run()

    admin.post(
        reverse("admin:rooms_room_changelist"), {"action": "look_now", "_selected_action": [Room.objects.get().pk]}
    )

    assert Job.objects.get().due_at == world.now


def test_button_revives_a_token(admin: Client, world: World) -> None:
    record = BotRecord.objects.create(fingerprint="ab" * 32, is_token_dead=True, died_at=world.now)

    admin.post(reverse("admin:rooms_botrecord_changelist"), {"action": "revive", "_selected_action": [record.pk]})

    record.refresh_from_db()
    assert (record.is_token_dead, record.died_at) == (False, None)
