from datetime import datetime, timedelta

import pytest
from tests.accounts.discord_double import ROBIN, ToldSignIn
from tests.accounts.linking import checking, link, start
from tests.factories.accounts import make_discord_identity, make_user

from greenroom.accounts import queries, services
from greenroom.accounts.models import DiscordIdentity, LinkAttempt
from greenroom.accounts.queries import NEEDS_CODE_WORDS, DiscordCard, discord_card
from greenroom.accounts.services.callbacks import digest
from greenroom.accounts.types import CardState, LinkProblem
from greenroom.core.errors import NotFoundError

pytestmark = pytest.mark.django_db
MISSING = DiscordCard(CardState.MISSING)
CHECKING = DiscordCard(CardState.CHECKING)


def test_discord_card_without_an_attempt_follows_the_identity(now: datetime) -> None:
    identity = make_discord_identity()

    assert discord_card(identity=None, booking_id=7, now=now) == MISSING
    assert discord_card(identity=identity, booking_id=7, now=now) == DiscordCard(CardState.CONNECTED, "sam")
    assert discord_card(identity=None, now=now) == MISSING


def test_discord_card_of_an_attempt_that_only_began_says_nothing(sign_in: ToldSignIn, now: datetime) -> None:
    start(sign_in, now=now, booking_id=7)

    assert discord_card(identity=None, booking_id=7, now=now) == MISSING


def test_discord_card_checks_while_the_answer_waits_and_then_gives_up(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)

    late = discord_card(identity=None, booking_id=7, now=attempt.expires_at)

    assert discord_card(identity=None, booking_id=7, now=now) == CHECKING
    assert discord_card(identity=None, booking_id=8, now=now) == MISSING
    assert (late.state, late.problem) == (
        CardState.MISSING,
        "Discord could not be reached. Please connect again in a few minutes.",
    )


def test_discord_card_checks_until_the_booking_has_the_identity(sign_in: ToldSignIn, now: datetime) -> None:
    former = make_discord_identity()
    link(sign_in, now=now, booking_id=7)
    identity = DiscordIdentity.objects.get(discord_user_id=str(ROBIN.id))

    assert discord_card(identity=None, booking_id=7, now=now) == CHECKING
    assert discord_card(identity=former, booking_id=7, now=now) == CHECKING
    assert discord_card(identity=identity, booking_id=7, now=now) == DiscordCard(CardState.CONNECTED, "robin")
    assert discord_card(identity=None, booking_id=7, now=now + timedelta(minutes=15)) == MISSING


def test_discord_card_of_an_account_looks_at_the_accounts_own_attempts(sign_in: ToldSignIn, now: datetime) -> None:
    user = make_user()
    checking(sign_in, now=now, user=user, booking_id=7)
    assert discord_card(identity=None, user=user, now=now) == MISSING

    checking(sign_in, now=now, user=user)

    assert discord_card(identity=None, user=user, now=now) == CHECKING
    assert discord_card(identity=None, user=make_user("other@example.org"), now=now) == MISSING


def test_discord_card_asks_for_the_code_while_it_works(sign_in: ToldSignIn, now: datetime) -> None:
    make_discord_identity(user=make_user("owner@example.org"), discord_user_id=str(ROBIN.id))
    attempt = link(sign_in, now=now, booking_id=7)

    late = discord_card(identity=None, booking_id=7, now=attempt.expires_at)

    asked = discord_card(identity=None, booking_id=7, now=now)
    assert asked == DiscordCard(CardState.MISSING, "", NEEDS_CODE_WORDS, attempt.ref)
    assert (late.problem, late.code_ref) == (
        "The code was not used in time. Connect again to get a new one.",
        "",
    )


@pytest.mark.parametrize("problem", LinkProblem)
def test_discord_card_says_why_an_attempt_failed(sign_in: ToldSignIn, now: datetime, problem: LinkProblem) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    services.fail_link(attempt_id=attempt.pk, problem=problem, now=now)

    card = discord_card(identity=None, booking_id=7, now=now)

    assert card.state is CardState.MISSING
    assert card.problem.endswith(".")


def test_discord_card_after_a_failed_switch_stays_connected(sign_in: ToldSignIn, now: datetime) -> None:
    attempt = checking(sign_in, now=now, booking_id=7)
    services.fail_link(attempt_id=attempt.pk, problem=LinkProblem.AGAIN, now=now)

    card = discord_card(identity=make_discord_identity(), booking_id=7, now=now)

    assert (card.state, card.name) == (CardState.CONNECTED, "sam")
    assert card.problem == "Discord did not confirm your account. Please connect again."


def test_get_attempt_of_another_browser_is_not_found(sign_in: ToldSignIn, now: datetime) -> None:
    start(sign_in, now=now, booking_id=7)
    attempt = LinkAttempt.objects.get()

    assert queries.get_attempt(attempt.ref, browser_digest=attempt.browser_digest) == attempt
    for ref, browser in ((attempt.ref, digest("c" * 43)), ("nonsense", attempt.browser_digest)):
        with pytest.raises(NotFoundError):
            queries.get_attempt(ref, browser_digest=browser)
