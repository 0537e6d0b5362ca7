import threading
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection
from tests.factories.accounts import make_user
from tests.factories.bookings import make_coach, make_offer
from tests.factories.clock import SettableClock
from tests.factories.waiting import PATIENCE_SECONDS

from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core.actors import SYSTEM, Actor, ActorKind
from greenroom.core.errors import NotAllowedError
from greenroom.core.models import AuditEntry
from greenroom.rooms.models import KeptPolicy
from greenroom.rooms.policies import INSTANT, SITE_POLICY, TWO_STEP, WINDOW, RoomPolicy
from greenroom.rooms.queries import PolicyOwner, kept_policy, policy_for, policy_of
from greenroom.rooms.services import keep_policy

pytestmark = pytest.mark.django_db
ADMIN = Actor(ActorKind.ADMIN, None, "")
OWN = replace(WINDOW, close_after=timedelta(minutes=5), channel_name_template="raum-{short8}")


@pytest.fixture
def now(frozen_clock: SettableClock) -> datetime:
    return frozen_clock()


@pytest.fixture
def coach() -> Coach:
    return make_coach()


@pytest.fixture
def offer(coach: Coach) -> Offer:
    return make_offer(coach)


def by_coach(coach: Coach) -> Actor:
    return Actor(ActorKind.COACH, coach.user_id, "")


def test_nearest_policy_counts(coach: Coach, offer: Offer, now: datetime) -> None:
    other = make_offer(coach, slug="other")
    assert policy_for(offer) == policy_of(coach) == policy_of(None) == SITE_POLICY

    keep_policy(None, TWO_STEP, actor=ADMIN, now=now)
    assert policy_for(offer) == policy_of(coach) == policy_of(None) == TWO_STEP

    keep_policy(coach, INSTANT, actor=by_coach(coach), now=now)
    assert (policy_for(offer), policy_of(coach), policy_of(None)) == (INSTANT, INSTANT, TWO_STEP)

    keep_policy(offer, OWN, actor=by_coach(coach), now=now)
    assert (policy_for(offer), policy_for(other), policy_of(coach)) == (OWN, INSTANT, INSTANT)
    assert kept_policy(offer) == OWN
    assert kept_policy(other) is None


def test_policy_that_is_let_go_gives_way_to_the_next_above(coach: Coach, offer: Offer, now: datetime) -> None:
    keep_policy(coach, TWO_STEP, actor=ADMIN, now=now)
    keep_policy(offer, OWN, actor=ADMIN, now=now)

    keep_policy(offer, None, actor=ADMIN, now=now)
    assert policy_for(offer) == TWO_STEP

    keep_policy(coach, None, actor=ADMIN, now=now)
    assert policy_for(offer) == SITE_POLICY
    assert not KeptPolicy.objects.exists()


def test_other_coaches_are_not_concerned(coach: Coach, now: datetime) -> None:
    keep_policy(coach, INSTANT, actor=by_coach(coach), now=now)

    assert policy_for(make_offer(make_coach("noah"), slug="elsewhere")) == SITE_POLICY


def test_same_policy_again_changes_nothing(coach: Coach, now: datetime) -> None:
    keep_policy(coach, None, actor=ADMIN, now=now)
    assert not AuditEntry.objects.exists()
    keep_policy(coach, OWN, actor=ADMIN, now=now)
    keep_policy(coach, OWN, actor=ADMIN, now=now)

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.before) == ("rooms.keep_policy", {})
    assert entry.object_id == KeptPolicy.objects.get().pk
    assert (entry.after["close_after"], entry.after["channel_name_template"]) == (5, "raum-{short8}")


@pytest.mark.parametrize("whose", ["site", "coach", "offer"])
@pytest.mark.parametrize("who", ["stranger", "system", "nobody"])
def test_policies_of_others_are_not_changed(whose: str, who: str, coach: Coach, offer: Offer, now: datetime) -> None:
    owner: PolicyOwner = {"site": None, "coach": coach, "offer": offer}[whose]
    stranger = make_coach("noah")
    actor = {"stranger": by_coach(stranger), "system": SYSTEM, "nobody": Actor(ActorKind.COACH, None, "")}[who]

    with pytest.raises(NotAllowedError):
        keep_policy(owner, TWO_STEP, actor=actor, now=now)

    assert not KeptPolicy.objects.exists()


def test_coach_does_not_change_the_sites(coach: Coach, now: datetime) -> None:
    with pytest.raises(NotAllowedError):
        keep_policy(None, TWO_STEP, actor=by_coach(coach), now=now)
    with pytest.raises(NotAllowedError):
        keep_policy(None, TWO_STEP, actor=Actor(ActorKind.STUDENT, make_user().pk, ""), now=now)


@pytest.mark.parametrize("policy", [WINDOW, TWO_STEP, INSTANT, OWN])
def test_kept_policy_comes_back_as_it_was(policy: RoomPolicy, coach: Coach, now: datetime) -> None:
    keep_policy(coach, policy, actor=ADMIN, now=now)

    assert kept_policy(coach) == policy
    assert str(KeptPolicy.objects.get()) == f"rooms of {coach}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("whose", ["site", "coach"])
def test_first_policies_saved_at_once_are_one(whose: str, now: datetime) -> None:
    coach = make_coach()
    owner: PolicyOwner = coach if whose == "coach" else None
    together = threading.Barrier(4)
    errors: list[Exception] = []

    def save(policy: RoomPolicy) -> None:
        together.wait(PATIENCE_SECONDS)
        try:
            keep_policy(owner, policy, actor=ADMIN, now=now)
        except Exception as error:  # noqa: BLE001 -- told below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(policy,)) for policy in (WINDOW, TWO_STEP, INSTANT, OWN)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert errors == []
    assert KeptPolicy.objects.count() == 1
    assert AuditEntry.objects.count() == 4


def test_site_has_one_policy() -> None:
    KeptPolicy.objects.create(**asdict(TWO_STEP))

    with pytest.raises(IntegrityError):
        KeptPolicy.objects.create(**asdict(WINDOW))
