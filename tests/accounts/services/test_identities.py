from datetime import datetime

import pytest
from tests.accounts.discord_double import ROBIN, ToldSignIn
from tests.accounts.linking import link
from tests.factories.accounts import make_discord_identity, make_user

from greenroom.accounts import services
from greenroom.accounts.models import DiscordIdentity, Revocation
from greenroom.jobs.models import Job

pytestmark = pytest.mark.django_db


def test_unlink_deletes_the_identity_and_plans_what_follows(sign_in: ToldSignIn, now: datetime) -> None:
    user = make_user()
    link(sign_in, now=now, user=user)
    identity_id = DiscordIdentity.objects.get().pk

    first, second = services.unlink(user=user, now=now), services.unlink(user=user, now=now)

    assert (first, second) == (True, False)
    assert DiscordIdentity.objects.count() == 0
    revocation = Revocation.objects.get()
    assert (revocation.discord_user_id, revocation.token) == (str(ROBIN.id), "refresh-1")
    assert Job.objects.get(kind="accounts.revoke_link").payload == {"revocation_id": revocation.pk}
    announced = Job.objects.get(key=f"bookings.discord_linked:unlink:{identity_id}")
    assert (announced.kind, announced.payload) == ("bookings.discord_linked", {"user_id": user.pk})


def test_unlink_without_a_token_has_nothing_to_end_at_discord(now: datetime) -> None:
    user = make_user()
    make_discord_identity(user=user)

    assert services.unlink(user=user, now=now)

    assert (DiscordIdentity.objects.count(), Revocation.objects.count()) == (0, 0)
