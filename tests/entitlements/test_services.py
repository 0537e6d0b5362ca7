from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.factories.accounts import make_user
from tests.factories.clock import MONDAY

from greenroom.accounts.models import User
from greenroom.core.actors import SYSTEM
from greenroom.core.models import AuditEntry
from greenroom.entitlements import services
from greenroom.entitlements.models import Entitlement
from greenroom.entitlements.queries import entitlements_of, find_by_source, find_entitlement
from greenroom.entitlements.types import EntitlementKind, Thing

pytestmark = pytest.mark.django_db
BOOK = Thing(EntitlementKind.DOWNLOAD, 7)
SOURCE = "order_line:1"
DAY = timedelta(days=1)


@pytest.fixture
def ann() -> User:
    return make_user()


def grant(user: User, *, now: datetime = MONDAY, source: str = SOURCE, ends_at: datetime | None = None) -> Entitlement:
    return services.grant(user=user, thing=BOOK, source=source, actor=SYSTEM, now=now, ends_at=ends_at)


def revoke(*, now: datetime = MONDAY, reason: str = "All of the money went back.") -> None:
    services.revoke(source=SOURCE, reason=reason, actor=SYSTEM, now=now)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_grant_lets_one_person_use_one_thing_and_says_why_and_since(ann: User) -> None:
    row = grant(ann)

    found = find_entitlement(ann.pk, BOOK, now=MONDAY)
    assert found == row
    assert (row.source, row.granted_at, row.ends_at, row.thing) == (SOURCE, MONDAY, None, BOOK)
    assert find_entitlement(make_user("other@example.org").pk, BOOK, now=MONDAY) is None
    assert find_entitlement(ann.pk, Thing(EntitlementKind.DOWNLOAD, 8), now=MONDAY) is None
    assert actions() == ["entitlement.grant"]


def test_a_source_gives_once(ann: User) -> None:
    first = grant(ann)

    again = grant(ann, now=MONDAY + DAY)

    assert again.pk == first.pk
    assert again.granted_at == MONDAY
    assert actions() == ["entitlement.grant"]


def test_revoked_is_gone_and_can_be_given_back(ann: User) -> None:
    grant(ann)
    revoke()
    revoke(now=MONDAY + DAY, reason="again")

    row = Entitlement.objects.get()
    assert (row.revoked_at, row.revoked_reason) == (MONDAY, "All of the money went back.")
    assert find_entitlement(ann.pk, BOOK, now=MONDAY) is None
    assert find_by_source(SOURCE, now=MONDAY) is None
    grant(ann, now=MONDAY + DAY)
    assert find_by_source(SOURCE, now=MONDAY + DAY) == row
    assert actions() == ["entitlement.grant", "entitlement.revoke", "entitlement.restore"]


def test_what_never_was_can_be_revoked_without_a_word() -> None:
    revoke()

    assert actions() == []


def test_two_reasons_hold_by_themselves(ann: User) -> None:
    grant(ann)
    other = grant(ann, source="order_line:2", now=MONDAY + DAY)

    revoke()

    assert list(entitlements_of(ann.pk, now=MONDAY + DAY)) == [other]


@pytest.mark.parametrize(
    ("moment", "holds"), [(-1, False), (0, True), (DAY.total_seconds() - 1, True), (DAY.total_seconds(), False)]
)
def test_it_holds_from_its_begin_until_before_its_end(ann: User, moment: float, *, holds: bool) -> None:
    grant(ann, ends_at=MONDAY + DAY)

    assert entitlements_of(ann.pk, now=MONDAY + timedelta(seconds=moment)).exists() is holds


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "magic"},
        {"ends_at": MONDAY},
        {"revoked_at": MONDAY},
        {"revoked_reason": "without a time"},
        {"source": SOURCE},
    ],
)
def test_database_refuses_what_must_never_be(ann: User, wrong: dict[str, object]) -> None:
    grant(ann)
    values = {"user": ann, "kind": "download", "thing_pk": 7, "source": "x", "granted_at": MONDAY} | wrong

    with pytest.raises(IntegrityError), transaction.atomic():
        Entitlement.objects.create(**values)
