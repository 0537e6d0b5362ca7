import re
from http import HTTPStatus

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse
from tests.factories.accounts import make_admin, make_discord_identity, make_user

from greenroom.accounts import services
from greenroom.accounts.models import DiscordIdentity, User
from greenroom.core import clock
from greenroom.core.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_admin())
    return client


def values(email: str, **changes: str) -> dict[str, str]:
    return {"email": email, "name": "Sam", "time_zone": "UTC", "is_active": "on", **changes}


def test_list_says_who_claimed_the_account(admin: Client) -> None:
    services.claim_account(user=make_user(), now=clock.now())
    make_user("guest@example.org")

    page = admin.get(reverse("admin:accounts_user_changelist")).content.decode()

    assert re.findall(r'<span class="state[^>]*>([^<]*)</span>', page) == [
        "by booking only",
        "claimed",
        "by booking only",
    ]


def test_changed_address_takes_the_former_one_its_key(admin: Client) -> None:
    user = make_user()
    services.claim_account(user=user, now=clock.now())

    address = reverse("admin:accounts_user_change", args=[user.pk])
    response = admin.post(address, values("New@example.org"))

    user.refresh_from_db()
    assert response.status_code == HTTPStatus.FOUND
    assert (user.email, EmailAddress.objects.count()) == ("new@example.org", 0)
    entry = AuditEntry.objects.get(action="account.change_email")
    assert (entry.before, entry.after) == ({"email": "student@example.org"}, {"email": "new@example.org"})
    assert (entry.actor_kind, entry.actor_address) == ("admin", "127.0.0.1")


def test_other_changes_leave_the_address_alone(admin: Client) -> None:
    user = make_user()
    services.claim_account(user=user, now=clock.now())

    address = reverse("admin:accounts_user_change", args=[user.pk])
    admin.post(address, values(user.email, name="Other"))

    user.refresh_from_db()
    assert (user.name, EmailAddress.objects.count()) == ("Other", 1)


def test_taken_address_is_refused_with_a_word(admin: Client) -> None:
    user = make_user()

    response = admin.post(reverse("admin:accounts_user_change", args=[user.pk]), values("ADMIN@example.org"))

    assert response.status_code == HTTPStatus.OK
    assert "already exists" in response.content.decode()
    user.refresh_from_db()
    assert user.email == "student@example.org"


def test_added_person_has_no_password(admin: Client) -> None:
    admin.post(reverse("admin:accounts_user_add"), values("new@example.org"))

    assert not User.objects.get(email="new@example.org").has_usable_password()


def test_people_and_identities_are_not_deleted_here(admin: Client) -> None:
    user = make_user()
    identity = make_discord_identity(user=user)

    assert admin.get(reverse("admin:accounts_user_delete", args=[user.pk])).status_code == HTTPStatus.FORBIDDEN
    address = reverse("admin:accounts_discordidentity_delete", args=[identity.pk])
    assert admin.get(address).status_code == HTTPStatus.FORBIDDEN


def test_identity_page_shows_no_token(admin: Client) -> None:
    identity = make_discord_identity()
    DiscordIdentity.objects.update(access_token="secret-access", refresh_token="secret-refresh")

    page = admin.get(reverse("admin:accounts_discordidentity_change", args=[identity.pk])).content.decode()

    assert "sam" in page
    assert "secret-" not in page


def test_addresses_have_no_page_of_their_own(admin: Client) -> None:
    assert admin.get("/admin/account/emailaddress/").status_code == HTTPStatus.NOT_FOUND
