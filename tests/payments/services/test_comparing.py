from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from tests.factories.clock import SettableClock
from tests.integrations.stripe.factories import make_request
from tests.payments.factories import GOOD_CARD, checkout_of, ledger, open_one, pay_attempt, store_attempt

from greenroom.core.actors import SYSTEM
from greenroom.core.models import AuditEntry
from greenroom.core.money import Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe.protocol import GatewayUnavailableError
from greenroom.integrations.stripe.sandbox import checkouts, disputes, refunds
from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.integrations.stripe.sandbox.models import Checkout, Refund
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job
from greenroom.payments import gateways, jobs, queries, services
from greenroom.payments.models import Dispute, LedgerEntry, MoneyCheck, PaymentAttempt, RefundRequest
from greenroom.payments.services import comparing
from greenroom.payments.services.attempts import our_metadata
from greenroom.payments.types import CheckSubject, Finding, MoneyRule, RefundCause, Road

pytestmark = pytest.mark.usefixtures("db", "gateway")

NIGHT = timedelta(hours=3)
PART = Money(3000, "EUR")


@pytest.fixture
def tonight(now: datetime, frozen_clock: SettableClock) -> Callable[[], list[Finding]]:
    """Return a function that compares in the coming night, at an instant of which the gateway's clock knows."""

    def compare() -> list[Finding]:
        frozen_clock.advance(now + NIGHT - frozen_clock())
        return services.compare_with_gateway(now=now + NIGHT)

    return compare


def rows() -> list[object]:
    """Everything that a comparison might change."""
    tables = (PaymentAttempt, RefundRequest, Dispute, LedgerEntry, AuditEntry)
    return [list(table._default_manager.order_by("pk").values()) for table in tables]


def roads() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.exclude(road="").order_by("pk").values_list("action", "road"))


def test_payment_whose_callbacks_were_dropped_is_taken_over(
    now: datetime, arm: Callable[[str], None], tonight: Callable[[], list[Finding]]
) -> None:
    attempt = open_one(now=now)
    for _ in range(2):
        arm("callback_dropped")
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)

    assert tonight() == []

    attempt.refresh_from_db()
    assert (attempt.state, attempt.captured) == ("paid", Money(8000, "EUR"))
    assert [row[1] for row in ledger("capture")] == [8000, -8000]
    assert roads() == [("payment.paid", Road.COMPARISON)]
    assert MoneyCheck.objects.get().subject == CheckSubject.GATEWAYS


def test_refund_that_was_made_at_the_gateway_by_hand_is_taken_over(
    now: datetime, tonight: Callable[[], list[Finding]]
) -> None:
    attempt = pay_attempt(now=now)
    refunds.make_refund(str(attempt.payment_ref), PART, {}, now=now)

    assert tonight() == []

    refund = RefundRequest.objects.get()
    assert (refund.cause, refund.state, refund.amount) == (RefundCause.MADE_AT_GATEWAY, "succeeded", PART)
    assert roads() == [("refund.succeeded", Road.COMPARISON)]


def test_refund_that_failed_without_a_word_is_taken_over(now: datetime, tonight: Callable[[], list[Finding]]) -> None:
    asked = refunded(now)
    Refund.objects.update(state="failed", problem="lost_or_stolen_card")

    assert tonight() == []

    asked.refresh_from_db()
    assert asked.state == "failed"
    assert [row[1] for row in ledger("refund_reversal")] == [3000, -3000]


def refunded(now: datetime, order_ref: str = "order-1") -> RefundRequest:
    """Pay and give a part back; everybody knows."""
    attempt = pay_attempt(now=now, order_ref=order_ref)
    asked = services.request_refund(attempt_id=attempt.pk, amount=PART, cause=RefundCause.STAFF, actor=SYSTEM, now=now)
    return services.send_refund(refund_id=asked.pk, now=now)


def after(days: int, now: datetime, clock: SettableClock) -> list[Finding]:
    """Compare in a later night."""
    clock.set(now + timedelta(days=days))
    return services.compare_with_gateway(now=clock())


@pytest.mark.parametrize(("days", "state"), [(20, "failed"), (34, "failed"), (36, "succeeded")])
def test_refund_that_fails_weeks_later_without_a_word_is_taken_over(
    now: datetime, frozen_clock: SettableClock, days: int, state: str
) -> None:
    refund = refunded(now)
    assert after(10, now, frozen_clock) == []
    Refund.objects.update(state="failed", problem="lost_or_stolen_card")

    assert after(days, now, frozen_clock) == []

    refund.refresh_from_db()
    assert refund.state == state
    is_back = state == "failed"
    assert [row[1] for row in ledger("refund_reversal")] == ([3000, -3000] if is_back else [])
    assert roads() == ([("refund.failed", Road.COMPARISON)] if is_back else [])
    assert Job.objects.filter(kind="payments.report_failed_refund").exists() is is_back


def test_older_refund_that_the_gateway_does_not_know_is_found_every_night_until_it_does(
    now: datetime, frozen_clock: SettableClock
) -> None:
    refund = refunded(now)
    RefundRequest.objects.update(refund_ref="re_other")
    words = "Refund re_other: \N{EURO SIGN}30, succeeded here, and not known at the gateway."

    for days in (5, 6):
        found = after(days, now, frozen_clock)
        assert found == [Finding(MoneyRule.GATEWAY_KNOWN, refund.attempt.order_ref, words)]
    RefundRequest.objects.update(refund_ref=refund.refund_ref)

    assert after(7, now, frozen_clock) == []
    assert RefundRequest.objects.get().last_error == ""


def test_older_refund_of_another_amount_is_found(now: datetime, frozen_clock: SettableClock) -> None:
    refund = refunded(now)
    Refund.objects.update(amount_minor=2900)

    [found] = after(5, now, frozen_clock)

    assert found.order_ref == refund.attempt.order_ref
    assert found.detail.endswith("\N{EURO SIGN}29, succeeded at the gateway, and \N{EURO SIGN}30, succeeded here.")


def test_of_more_refunds_than_a_night_takes_each_has_its_turn_and_the_unknown_stay_found(
    now: datetime, frozen_clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "_MOST_REFUNDS", 2)
    made = [refunded(now, f"order-{number}") for number in range(4)]
    RefundRequest.objects.filter(pk=made[1].pk).update(refund_ref="re_other")

    counts = [len(after(days, now, frozen_clock)) for days in (5, 6, 7)]

    assert counts == [1, 1, 1]
    asked = RefundRequest.objects.order_by("pk").values_list("checked_at", flat=True)
    assert [(at - now).days for at in asked] == [5, 7, 6, 7]


def test_gateway_that_stops_answering_in_between_keeps_the_last_findings(
    now: datetime, frozen_clock: SettableClock, arm: Callable[[str], None]
) -> None:
    refunded(now)
    RefundRequest.objects.update(refund_ref="re_other")
    after(5, now, frozen_clock)
    kept = MoneyCheck.objects.get()
    arm("unavailable")

    with pytest.raises(GatewayUnavailableError):
        after(6, now, frozen_clock)

    assert MoneyCheck.objects.get() == kept


def test_dispute_that_nobody_told_of_is_taken_over_also_of_an_old_payment(
    now: datetime, tonight: Callable[[], list[Finding]]
) -> None:
    attempt = pay_attempt(now=now)
    Checkout.objects.update(created_at=now - timedelta(days=60))
    disputed = disputes.raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)

    assert tonight() == []

    assert Dispute.objects.get().dispute_ref == disputed.ref
    assert roads() == [("dispute.change", Road.COMPARISON)]


def test_second_night_changes_nothing(now: datetime, tonight: Callable[[], list[Finding]]) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
    refunds.make_refund(checkout_of(attempt).payment_ref, PART, {}, now=now)
    disputes.raise_dispute(str(attempt.gateway_ref), is_inquiry=True, now=now)
    tonight()
    before = rows()

    assert tonight() == []

    assert rows() == before


def test_what_agrees_is_listed_once_and_asked_after_no_more(
    now: datetime, tonight: Callable[[], list[Finding]], django_assert_max_num_queries: Callable[..., object]
) -> None:
    for number in range(5):
        pay_attempt(now=now, order_ref=f"order-{number}")
    before = rows()

    with django_assert_max_num_queries(18):
        assert tonight() == []

    assert rows() == before


def test_payment_of_ours_that_nobody_knows_is_found_and_nothing_is_guessed(
    now: datetime, tonight: Callable[[], list[Finding]]
) -> None:
    attempt = pay_attempt(now=now)
    refunds.make_refund(str(attempt.payment_ref), PART, {}, now=now)
    services.sync_attempt(attempt_id=attempt.pk, now=now)
    stray = stray_payment(now)
    refund = refunds.make_refund(stray.payment_ref, PART, {}, now=now)
    dispute = disputes.raise_dispute(stray.ref, is_inquiry=False, now=now)
    before, nobodys = rows(), f"of payment {stray.payment_ref}, which no attempt here knows."

    found = tonight()

    assert [(one.rule, one.order_ref) for one in found] == [
        (MoneyRule.GATEWAY_KNOWN, "order-lost"),
        (MoneyRule.GATEWAY_KNOWN, ""),
        (MoneyRule.GATEWAY_KNOWN, ""),
    ]
    assert [one.detail for one in found] == [
        f"Payment {stray.payment_ref}: \N{EURO SIGN}80 arrived at the gateway, and no attempt here knows of it.",
        f"Refund {refund.ref}: \N{EURO SIGN}30, succeeded at the gateway, {nobodys}",
        (
            f"Dispute {dispute.ref}: \N{EURO SIGN}50, needs_response, \N{EURO SIGN}50 taken, \N{EURO SIGN}0 returned, "
            f"fee \N{EURO SIGN}15 at the gateway, {nobodys}"
        ),
    ]
    assert rows() == before
    assert [(one.rule, one.detail) for one in MoneyCheck.objects.get().findings.order_by("pk")] == [
        (one.rule, one.detail) for one in found
    ]


def test_sums_say_how_much_is_missing_in_each_currency(now: datetime, tonight: Callable[[], list[Finding]]) -> None:
    pay_attempt(now=now)
    pay_attempt(now=now, order_ref="dollars", total=Money(5000, "USD"))
    stray = stray_payment(now)
    refunds.make_refund(stray.payment_ref, PART, {}, now=now)

    sums = [one.detail for one in tonight() if one.rule == MoneyRule.GATEWAY_SUMS]

    assert sums == [
        "Of what moved in the last days the gateway has \N{EURO SIGN}130, and our rows say \N{EURO SIGN}80."
    ]


def test_payment_that_cannot_be_fetched_is_found_and_holds_up_nothing(
    now: datetime, tonight: Callable[[], list[Finding]]
) -> None:
    lost = open_one(now=now, order_ref="lost")
    checkouts.pay_by_card(str(lost.gateway_ref), GOOD_CARD, now=now)
    PaymentAttempt.objects.filter(pk=lost.pk).update(gateway_ref="cs_test_other")
    unheard = store_attempt(now=now, order_ref="unheard", state="created")
    SandboxGateway().create_checkout(
        make_request(now, attempt_ref=unheard.ref, order_ref="unheard", metadata=our_metadata()), idempotency_key="k"
    )
    checkouts.pay_by_card(Checkout.objects.latest("pk").ref, GOOD_CARD, now=now)
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)

    found = tonight()

    attempt.refresh_from_db()
    assert attempt.state == "paid"
    assert [(one.order_ref, one.detail.partition(": ")[2]) for one in found if one.order_ref] == [
        ("lost", "\N{EURO SIGN}80 arrived at the gateway, and here \N{EURO SIGN}0."),
        ("unheard", "\N{EURO SIGN}80 arrived at the gateway, and here \N{EURO SIGN}0."),
    ]


def test_rows_that_say_more_or_less_than_the_gateway_are_found(
    now: datetime, tonight: Callable[[], list[Finding]]
) -> None:
    attempt = pay_attempt(now=now)
    refunds.make_refund(str(attempt.payment_ref), PART, {}, now=now)
    services.sync_attempt(attempt_id=attempt.pk, now=now)
    disputed = disputes.raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    services.learn_disputes(attempt, now=now)
    RefundRequest.objects.update(amount_minor=2000)
    Dispute.objects.update(withdrawn_minor=9000)

    found = tonight()

    assert [one.detail.partition(": ")[2] for one in found[:2]] == [
        "\N{EURO SIGN}30, succeeded at the gateway, and \N{EURO SIGN}20, succeeded here.",
        (
            "\N{EURO SIGN}50, needs_response, \N{EURO SIGN}50 taken, \N{EURO SIGN}0 returned, fee \N{EURO SIGN}15"
            " at the gateway, and \N{EURO SIGN}50, needs_response, \N{EURO SIGN}90 taken, \N{EURO SIGN}0 returned, fee"
            " \N{EURO SIGN}15 here."
        ),
    ]
    assert found[1].detail.startswith(f"Dispute {disputed.ref}: ")
    assert [one.rule for one in found] == [
        MoneyRule.GATEWAY_KNOWN,
        MoneyRule.GATEWAY_KNOWN,
        MoneyRule.GATEWAY_SUMS,
    ]


@pytest.mark.parametrize("wrong", ["payment", "refund", "dispute"])
def test_sum_that_is_apart_comes_with_the_one_object_that_is_wrong(
    now: datetime, tonight: Callable[[], list[Finding]], wrong: str
) -> None:
    for number in range(3):
        attempt = pay_attempt(now=now, order_ref=f"order-{number}")
        refunds.make_refund(str(attempt.payment_ref), PART, {}, now=now)
        disputes.raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    assert tonight() == []
    attempt = PaymentAttempt.objects.get(order_ref="order-1")
    refund, dispute = attempt.refunds.get(), attempt.disputes.get()
    name = {"payment": attempt.payment_ref, "refund": refund.refund_ref, "dispute": dispute.dispute_ref}[wrong]
    if wrong == "payment":
        Checkout.objects.filter(ref=attempt.gateway_ref).update(captured_minor=8100)
        PaymentAttempt.objects.filter(pk=attempt.pk).update(fee_minor=None, fee_currency="")
    elif wrong == "refund":
        RefundRequest.objects.filter(pk=refund.pk).update(amount_minor=3100)
    else:
        Dispute.objects.filter(pk=dispute.pk).update(reinstated_minor=100)

    named, sums = tonight()

    assert (named.rule, named.order_ref) == (MoneyRule.GATEWAY_KNOWN, "order-1")
    assert str(name) in named.detail
    assert (sums.rule, sums.order_ref) == (MoneyRule.GATEWAY_SUMS, "")


def test_fee_that_was_not_known_is_taken_over_and_another_one_is_found(
    now: datetime, tonight: Callable[[], list[Finding]]
) -> None:
    late, wrong = pay_attempt(now=now, order_ref="late"), pay_attempt(now=now, order_ref="wrong")
    LedgerEntry.objects.filter(order_ref="late", kind="fee").delete()
    PaymentAttempt.objects.filter(pk=late.pk).update(fee_minor=None, fee_currency="")
    PaymentAttempt.objects.filter(pk=wrong.pk).update(fee_minor=99)

    [found] = tonight()

    late.refresh_from_db()
    assert late.fee == Money(145, "EUR")
    assert LedgerEntry.objects.filter(order_ref="late", kind="fee").count() == 2
    assert (found.rule, found.order_ref) == (MoneyRule.GATEWAY_KNOWN, "wrong")
    words = "the gateway kept \N{EURO SIGN}1.45 of it, and here that is \N{EURO SIGN}0.99."
    assert found.detail == f"Payment {wrong.payment_ref}: {words}"


def test_fee_of_a_dispute_is_compared_too(now: datetime, tonight: Callable[[], list[Finding]]) -> None:
    attempt = pay_attempt(now=now)
    disputes.raise_dispute(str(attempt.gateway_ref), is_inquiry=False, now=now)
    services.learn_disputes(attempt, now=now)
    Dispute.objects.update(fee_minor=1400)

    [found] = tonight()

    assert (found.rule, found.order_ref) == (MoneyRule.GATEWAY_KNOWN, attempt.order_ref)
    assert "fee \N{EURO SIGN}15 at the gateway" in found.detail
    assert found.detail.endswith("fee \N{EURO SIGN}14 here.")


def test_refund_that_failed_and_is_not_known_needs_nobody(
    now: datetime, arm: Callable[[str], None], tonight: Callable[[], list[Finding]]
) -> None:
    attempt = pay_attempt(now=now)
    arm("refund_fails")
    refunds.make_refund(str(attempt.payment_ref), PART, {}, now=now)

    assert tonight() == []
    assert not RefundRequest.objects.exists()


def test_refund_that_names_a_request_that_never_was_is_found(
    now: datetime, tonight: Callable[[], list[Finding]]
) -> None:
    attempt = pay_attempt(now=now)
    refund = refunds.make_refund(str(attempt.payment_ref), PART, {"refund_request": "999"}, now=now)

    found = tonight()

    assert found[0] == Finding(
        MoneyRule.GATEWAY_KNOWN,
        attempt.order_ref,
        f"Refund {refund.ref}: \N{EURO SIGN}30, succeeded at the gateway, and not known here.",
    )
    assert not RefundRequest.objects.exists()


def test_money_of_other_sites_is_left_alone(now: datetime, tonight: Callable[[], list[Finding]]) -> None:
    stray = stray_payment(now, metadata={"greenroom_site": "another"})
    refunds.make_refund(stray.payment_ref, PART, our_metadata(), now=now)
    disputes.raise_dispute(stray.ref, is_inquiry=False, now=now)

    assert tonight() == []


def test_what_is_younger_than_ten_minutes_or_older_than_three_days_is_left_alone(
    now: datetime, frozen_clock: SettableClock
) -> None:
    attempt = open_one(now=now)
    checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)

    for age in (timedelta(minutes=10), timedelta(days=3, seconds=1)):
        frozen_clock.advance(now + age - frozen_clock())
        assert services.compare_with_gateway(now=now + age) == []

    attempt.refresh_from_db()
    assert attempt.state == "open"


def test_gateway_that_does_not_answer_leaves_the_last_findings(
    now: datetime, arm: Callable[[str], None], tonight: Callable[[], list[Finding]]
) -> None:
    stray_payment(now)
    tonight()
    kept = MoneyCheck.objects.get()
    arm("unavailable")

    with pytest.raises(GatewayUnavailableError):
        tonight()

    assert MoneyCheck.objects.get() == kept


def test_compare_inside_a_transaction_is_refused(now: datetime) -> None:
    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        services.compare_with_gateway(now=now)


def test_site_without_payment_pages_compares_nothing(now: datetime) -> None:
    gateways.use()

    assert services.compare_with_gateway(now=now) == []

    assert not MoneyCheck.objects.exists()


def test_books_and_gateways_keep_their_findings_apart(now: datetime, tonight: Callable[[], list[Finding]]) -> None:
    stray_payment(now)
    tonight()

    services.record_check(findings=[], now=now)

    at_gateway, books = (queries.find_latest_check(one) for one in (CheckSubject.GATEWAYS, CheckSubject.BOOKS))
    assert at_gateway
    assert books
    assert (at_gateway.findings.count(), books.findings.count()) == (2, 0)


def test_job_stays_failed_while_something_is_found(
    now: datetime, arm: Callable[[str], None], frozen_clock: SettableClock
) -> None:
    job = Job.objects.create(kind="payments.compare_with_gateway", key="k:2", lane="slow", due_at=now, created_at=now)
    earlier = Job.objects.create(
        kind=job.kind, key="k:1", lane="slow", due_at=now, created_at=now, state="failed", closed_at=now
    )
    earlier, job = sorted((earlier, job), key=lambda one: one.key)
    stray_payment(now)
    frozen_clock.advance(NIGHT)
    arm("unavailable")

    with pytest.raises(RetryLaterError):
        jobs.compare_with_gateway(job)
    with pytest.raises(PermanentFailureError, match="2 things at the gateway should not be"):
        jobs.compare_with_gateway(job)
    Checkout.objects.all().delete()
    jobs.compare_with_gateway(job)

    assert queries.find_latest_check(CheckSubject.GATEWAYS)


def test_repairs_are_counted_by_the_road_that_found_them(
    now: datetime, frozen_clock: SettableClock, tonight: Callable[[], list[Finding]]
) -> None:
    for name in ("polled", "collected", "compared", "told"):
        attempt = open_one(now=now, order_ref=name)
        checkouts.pay_by_card(str(attempt.gateway_ref), GOOD_CARD, now=now)
        if name == "polled":
            services.poll(now=now + timedelta(minutes=3))
        if name == "told":
            services.sync_attempt(attempt_id=attempt.pk, now=now)
        if name == "collected":
            services.collect_events(now=now)
            for job in Job.objects.filter(kind="payments.process_event").order_by("pk"):
                services.process_event(event_id=job.payload["event_id"], now=now)
    refunds.make_refund(str(PaymentAttempt.objects.get(order_ref="told").payment_ref), PART, {}, now=now)
    tonight()

    found = queries.latest_repairs(now - timedelta(days=1), limit=10)

    assert [(one.order_ref, one.action, one.road) for one in found] == [
        ("told", "refund.succeeded", Road.COMPARISON),
        ("compared", "payment.paid", Road.COMPARISON),
        ("collected", "payment.paid", Road.EVENTS),
        ("polled", "payment.paid", Road.POLL),
    ]
    assert queries.repair_counts(now - timedelta(days=1)) == {Road.POLL: 1, Road.EVENTS: 1, Road.COMPARISON: 2}
    later = frozen_clock() + timedelta(seconds=1)
    assert (queries.latest_repairs(later, limit=10), set(queries.repair_counts(later).values())) == ([], {0})


def stray_payment(now: datetime, **changes: object) -> Checkout:
    """Pay a checkout that this database does not know, with our name on it unless it says otherwise."""
    request = make_request(now, attempt_ref="lost", order_ref="order-lost", metadata=our_metadata())
    handle = SandboxGateway().create_checkout(replace(request, **changes), idempotency_key="stray")  # type: ignore[arg-type] -- a test's own words
    checkouts.pay_by_card(handle.gateway_ref, GOOD_CARD, now=now)
    return Checkout.objects.get(ref=handle.gateway_ref)
