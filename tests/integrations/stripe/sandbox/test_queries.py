from datetime import datetime, timedelta

from tests.integrations.stripe.factories import make_checkout

from greenroom.core.money import Money
from greenroom.integrations.stripe.sandbox import checkouts, queries
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.models import Event, IdempotencyKey, Refund


def test_payment_states_list_every_checkout(gateway: SandboxGateway, now: datetime) -> None:
    first, second = (make_checkout(gateway, now, key=key, order_ref=key) for key in ("o1", "o2"))
    checkouts.pay_by_card(first.ref, "4000000000007726", now=now)
    gateway.refund(first.payment_ref, Money(3000, "EUR"), idempotency_key="a", metadata={})
    gateway.refund(first.payment_ref, Money(1000, "EUR"), idempotency_key="b", metadata={})
    Refund.objects.filter(amount_minor=3000).update(state="succeeded")

    listed = queries.payment_states(now=now + timedelta(minutes=32))

    common = {"amount_minor": 8000, "currency": "EUR"}
    assert listed == [
        {
            **common,
            "ref": first.ref,
            "order": "o1",
            "status": "paid",
            "refunded_minor": 3000,
            "pay_url": f"http://localhost:8000/sandbox/pay/{first.ref}",
        },
        {
            **common,
            "ref": second.ref,
            "order": "o2",
            "status": "dead",
            "refunded_minor": 0,
            "pay_url": f"http://localhost:8000/sandbox/pay/{second.ref}",
        },
    ]


def test_rows_say_what_they_are(gateway: SandboxGateway, now: datetime) -> None:
    checkout = make_checkout(gateway, now)
    checkouts.pay_by_card(checkout.ref, "4242424242424242", now=now)
    checkout.refresh_from_db()
    gateway.refund(checkout.payment_ref, Money(3000, "EUR"), idempotency_key="a", metadata={})
    refund = Refund.objects.get()

    assert str(checkout) == f"{checkout.ref} paid"
    assert str(refund) == f"{refund.ref} succeeded"
    assert str(Event.objects.order_by("pk")[0]).endswith(" payment_intent.succeeded")
    assert str(IdempotencyKey.objects.get(key="a")) == "a 200"
