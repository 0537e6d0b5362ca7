from datetime import datetime

import pytest
from allauth.account.models import EmailAddress
from tests.factories.accounts import make_user

from greenroom.accounts.models import User
from greenroom.accounts.services import claim_account, claimable_user
from greenroom.core.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_claimable_user_of_a_new_address_cannot_be_signed_in_to_by_password() -> None:
    user = claimable_user(email=" New@Example.org ", name="Nia", tz="Europe/Berlin")

    assert (user.email, user.name, user.time_zone) == ("new@example.org", "Nia", "Europe/Berlin")
    assert not user.has_usable_password()
    assert EmailAddress.objects.count() == 0


def test_claimable_user_of_a_known_address_is_left_alone() -> None:
    known = make_user("known@example.org", name="Kim", time_zone="Asia/Tokyo")

    user = claimable_user(email="KNOWN@example.org", name="Mallory", tz="UTC")

    assert user == known
    known.refresh_from_db()
    assert (known.name, known.time_zone) == ("Kim", "Asia/Tokyo")
    assert User.objects.count() == 1


def test_claim_account_verifies_the_address_once(now: datetime) -> None:
    user = make_user("nia@example.org")

    first, second = claim_account(user=user, now=now), claim_account(user=user, now=now)

    assert (first, second) == (True, False)
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [("nia@example.org", True, True)]
    assert list(AuditEntry.objects.values_list("action", "object_id")) == [("account.claim", user.pk)]


def test_claim_account_verifies_an_address_that_stood_there_unverified(now: datetime) -> None:
    user = make_user("nia@example.org")
    EmailAddress.objects.create(user=user, email=user.email, verified=False, primary=False)

    assert claim_account(user=user, now=now)

    assert list(EmailAddress.objects.values_list("verified", "primary")) == [(True, True)]
