"""Whatever a callback says and however it comes, it only says where to look."""

import json
import random
from datetime import timedelta

import pytest
from django.db import connection
from tests.scenarios.story import PRICE, Story

from greenroom.integrations.stripe.sandbox.models import Checkout
from greenroom.payments.errors import PaymentUnavailableError
from greenroom.payments.models import GatewayEvent

REFUSED = 400
KEPT = 200


def test_callbacks_in_any_order_and_number_pay_once(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays_and_the_gateway_is_silent()
    told = story.callbacks() * 3
    random.Random(4).shuffle(told)  # noqa: S311 -- reproducible

    assert {story.tell_shop(body) for body in told} == {KEPT}
    story.then_the_time_is_kept()
    story.when_the_work_is_done()

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    assert GatewayEvent.objects.count() == len(set(told))


def test_callbacks_told_at_once_on_many_connections_pay_once(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays_and_the_gateway_is_silent()
    told = story.callbacks() * 5

    answers = story.when_everybody_at_once([lambda body=body: story.tell_shop(body) for body in told])

    assert set(answers) == {KEPT}
    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)
    assert GatewayEvent.objects.count() == len(set(told))


@pytest.mark.parametrize(
    ("hours", "secret"), [(0, "whsec_somebody_elses"), (-1, ""), (1, "")], ids=["forged", "stale", "future"]
)
def test_callback_that_is_not_genuine_is_refused_and_the_next_one_counts(story: Story, hours: int, secret: str) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays_and_the_gateway_is_silent()

    for body in story.callbacks():
        assert story.tell_shop(body, at=story.clock() + timedelta(hours=hours), secret=secret) == REFUSED
    story.when_the_work_is_done()

    assert not GatewayEvent.objects.exists()
    story.then_the_time_is_kept()
    assert story.tell_shop(story.callbacks()[0]) == KEPT
    story.when_the_work_is_done()
    story.then_the_time_is_hers()


THING = {"id": "pi_1", "object": "payment_intent", "metadata": {}}
EVENT = {"id": "evt_1", "type": "payment_intent.succeeded", "created": 1, "livemode": False, "data": {"object": THING}}


def test_callback_about_somebody_elses_payment_is_kept_and_left_alone(story: Story) -> None:
    story.given_a_time_under_payment()
    theirs = EVENT | {"data": {"object": THING | {"metadata": {"greenroom_site": "https://other.example"}}}}

    assert story.tell_shop(json.dumps(theirs).encode()) == KEPT
    story.when_the_work_is_done()

    assert GatewayEvent.objects.get(event_id="evt_1").state == "ignored"
    story.then_the_time_is_kept()
    story.then_the_operator_sees()


def test_callback_that_names_her_payment_falsely_is_not_believed(story: Story) -> None:
    story.given_a_time_under_payment()
    checkout = Checkout.objects.get()
    paid = THING | {"id": checkout.payment_ref, "metadata": checkout.metadata, "status": "succeeded", "amount": PRICE}

    assert story.tell_shop(json.dumps(EVENT | {"data": {"object": paid}}).encode()) == KEPT
    story.when_the_work_is_done()

    story.then_the_time_is_kept()
    story.then_her_bank_shows(0)


def test_callback_before_the_shop_knows_the_page_finds_it_by_its_name(story: Story) -> None:
    story.given_a_time_with_details()
    story.given_the_gateway_will("create_times_out_after_executing")
    with pytest.raises(PaymentUnavailableError, match="Nothing was taken"):
        story.when_she_goes_to_pay()

    story.send_form(Checkout.objects.get().ref, {"card": "4242424242424242"})
    story.when_the_work_is_done()

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)


def test_callback_of_ours_that_nobody_ever_knows_reaches_the_operator(story: Story) -> None:
    story.given_a_time_under_payment()
    ours = Checkout.objects.get().metadata | {"attempt_ref": "never-was"}
    unknown = EVENT | {"data": {"object": THING | {"metadata": ours}}}

    assert story.tell_shop(json.dumps(unknown).encode()) == KEPT
    story.when_time_passes(timedelta(hours=23))
    story.then_the_operator_sees()
    story.when_time_passes(timedelta(hours=2))

    story.then_the_operator_sees("payments.process_event")


def test_callbacks_that_never_come_are_made_up_for(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays_and_the_gateway_is_silent()
    story.then_the_time_is_kept()

    story.when_the_shop_asks_the_gateway()

    story.then_the_time_is_hers()
    story.then_her_bank_shows(PRICE)


def test_callback_while_the_database_is_away_is_sent_again(story: Story) -> None:
    story.given_a_time_under_payment()
    story.when_she_pays_and_the_gateway_is_silent()
    [body, *_] = story.callbacks()

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_gatewayevent RENAME TO away")
    answered_meanwhile = story.tell_shop(body)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE away RENAME TO payments_gatewayevent")

    assert answered_meanwhile == 503
    assert not GatewayEvent.objects.exists()
    assert story.tell_shop(body) == KEPT
    story.when_the_work_is_done()
    story.then_the_time_is_hers()
