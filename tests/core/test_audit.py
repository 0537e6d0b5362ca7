from datetime import timedelta

import pytest
from django.db import transaction
from tests.factories.accounts import make_user
from tests.factories.clock import MONDAY

from greenroom.core import audit
from greenroom.core.actors import SYSTEM, Actor, ActorKind
from greenroom.core.models import AuditEntry


@pytest.mark.django_db
def test_record_keeps_who_what_before_after_and_why() -> None:
    user = make_user()
    actor = Actor(ActorKind.COACH, user_id=42, address="2001:db8::1")

    audit.record(
        actor=actor,
        action="user.rename",
        target=user,
        now=MONDAY,
        before={"name": "A", "is_staff": False, "visits": 1},
        after={"name": "B", "is_staff": None},
        reason="asked by mail",
    )

    entry = AuditEntry.objects.get()
    assert (entry.at, entry.action, entry.reason) == (MONDAY, "user.rename", "asked by mail")
    assert (entry.actor_kind, entry.actor_user_id, entry.actor_address) == ("coach", 42, "2001:db8::1")
    assert (entry.object_kind, entry.object_id) == ("accounts.user", user.pk)
    assert entry.before == {"name": "A", "is_staff": False, "visits": 1}
    assert entry.after == {"name": "B", "is_staff": None}
    assert str(entry) == f"2026-03-02 10:00:00 coach user.rename accounts.user {user.pk}"


@pytest.mark.django_db
def test_record_by_the_system_names_no_person() -> None:
    audit.record(actor=SYSTEM, action="user.prune", target=make_user(), now=MONDAY)

    entry = AuditEntry.objects.get()
    assert (entry.actor_kind, entry.actor_user_id, entry.actor_address) == ("system", None, None)
    assert (entry.before, entry.after, entry.reason) == ({}, {}, "")


@pytest.mark.django_db
def test_record_falls_with_its_transaction() -> None:
    user = make_user()

    def change_and_fail() -> None:
        with transaction.atomic():
            audit.record(actor=SYSTEM, action="user.prune", target=user, now=MONDAY + timedelta(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()

    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_record_on_a_road_says_so_and_only_there() -> None:
    user = make_user()

    def fall_off() -> None:
        with audit.on_road("payments.poll"):
            audit.record(actor=SYSTEM, action="user.prune", target=user, now=MONDAY)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fall_off()
    audit.record(actor=SYSTEM, action="user.prune", target=user, now=MONDAY)

    assert list(AuditEntry.objects.order_by("pk").values_list("road", flat=True)) == ["payments.poll", ""]
