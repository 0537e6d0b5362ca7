from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.factories.accounts import make_discord_identity, make_user

from greenroom.accounts.models import LinkAttempt, MailedCode, Revocation, User
from greenroom.accounts.types import LinkProblem, LinkState, MailedSecret

pytestmark = pytest.mark.django_db


def attempt(now: datetime, **values: Any) -> LinkAttempt:
    fields = {"state_digest": "s", "browser_digest": "b", "return_path": "/", "created_at": now, "expires_at": now}
    return LinkAttempt.objects.create(**{**fields, "booking_id": 7, **values})


@pytest.mark.parametrize(
    "values",
    [
        {"state": "odd"},
        {"booking_id": None},
        {"state": LinkState.FAILED},
        {"state": LinkState.FAILED, "problem": "odd"},
        {"state": LinkState.LINKED, "problem": LinkProblem.AGAIN},
        {"state": LinkState.NEEDS_CODE},
    ],
)
def test_link_attempt_that_must_never_be_is_refused(now: datetime, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        attempt(now, **values)


def test_mailed_code_for_an_unknown_purpose_is_refused(now: datetime) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        MailedCode.objects.create(purpose="odd", created_at=now, expires_at=now)


def test_link_states_are_unique(now: datetime) -> None:
    attempt(now)

    with pytest.raises(IntegrityError), transaction.atomic():
        attempt(now)


def test_address_with_a_capital_is_refused() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="Sam@example.org", name="Sam")


def test_rows_name_themselves_without_secrets(now: datetime) -> None:
    one = attempt(now)
    revocation = Revocation.objects.create(discord_user_id="3000", token="secret", created_at=now)
    mailed = MailedCode.objects.create(purpose=MailedSecret.SIGN_IN, code="123456", created_at=now, expires_at=now)

    assert (str(one), str(revocation), str(mailed)) == (one.ref, "3000", "accounts.sign_in_code")
    assert str(make_discord_identity()) == "sam"


def test_user_is_found_by_address_whatever_its_case() -> None:
    user = make_user()

    assert User.objects.get_by_natural_key(" STUDENT@example.org ") == user
