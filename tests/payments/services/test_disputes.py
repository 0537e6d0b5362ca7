from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from tests.factories.clock import SettableClock
from tests.payments.factories import ORDER, PRICE, job_keys, ledger, pay_attempt

from greenroom.core.actors import SYSTEM, Actor, ActorKind
from greenroom.core.installation import installation_ref
from greenroom.core.models import AuditEntry
from greenroom.core.money import CurrencyMismatchError, Money
from greenroom.core.transactions import NetworkCallInTransactionError
from greenroom.integrations.stripe.protocol import DisputeSnapshot
from greenroom.integrations.stripe.sandbox import disputes as bank
from greenroom.integrations.stripe.sandbox.models import Checkout, Refund
from greenroom.integrations.stripe.sandbox.models import Dispute as BankDispute
from greenroom.integrations.stripe.sandbox.refunds import make_refund
from greenroom.jobs.models import Job, Run
from greenroom.notifications.models import Message
from greenroom.payments import queries, services
from greenroom.payments.errors import NotRefundableError, PaymentDisputedError
from greenroom.payments.ledger_checks import orders_off_the_ledger
from greenroom.payments.messages import dispute_opened
from greenroom.payments.models import Dispute, LedgerEntry, PaymentAttempt, RefundRequest
from greenroom.payments.types import RefundCause

pytestmark = pytest.mark.usefixtures("db", "gateway")

ADMIN = Actor(ActorKind.ADMIN, user_id=1)
NOTHING = Money(0, "EUR")


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def dispute_it(attempt: PaymentAttempt, now: datetime, *, is_inquiry: bool = False) -> BankDispute:
    return bank.raise_dispute(Checkout.objects.get(ref=attempt.gateway_ref).ref, is_inquiry=is_inquiry, now=now)


def look(attempt: PaymentAttempt, now: datetime) -> Dispute:
    services.learn_disputes(attempt, now=now)
    return Dispute.objects.latest("pk")


def decide(step: str, now: datetime) -> None:
    bank.take_step(BankDispute.objects.latest("pk").ref, step, now=now)


def snapshot_of(attempt: PaymentAttempt, now: datetime, **changes: Any) -> DisputeSnapshot:
    values: dict[str, Any] = {
        "dispute_ref": "du_1",
        "payment_ref": str(attempt.payment_ref),
        "amount": PRICE,
        "status": "needs_response",
        "is_inquiry": False,
        "withdrawn": PRICE,
        "reinstated": NOTHING,
        "reason": "fraudulent",
        "opened_at": now,
        **changes,
    }
    return DisputeSnapshot(**values)


def cancel_all(now: datetime) -> list[RefundRequest]:
    return services.refund_in_full(order_ref=ORDER, cause=RefundCause.STUDENT_CANCELLED, actor=SYSTEM, now=now)


def states() -> list[tuple[str, int]]:
    return list(RefundRequest.objects.order_by("pk").values_list("state", "amount_minor"))


def balance() -> int:
    """What is held of the customers' money; the gateway's fees are another matter."""
    return -queries.account_balance("customers", currency="EUR").minor


def journals_add_up() -> bool:
    sums: dict[tuple[str, str], int] = {}
    for entry in LedgerEntry.objects.all():
        sums[entry.journal, entry.currency] = sums.get((entry.journal, entry.currency), 0) + entry.amount_minor
    return bool(sums) and not any(sums.values())


def test_dispute_is_kept_booked_reported_and_recorded(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)

    dispute = look(attempt, now)

    assert (dispute.status, dispute.amount, dispute.is_inquiry, dispute.reason) == (
        "needs_response",
        PRICE,
        False,
        "fraudulent",
    )
    assert (dispute.opened_at, dispute.closed_at, dispute.evidence_due_at) == (now, None, now + timedelta(days=7))
    assert ledger("dispute") == [("gateway:sandbox", -8000, "EUR", "dispute"), ("customers", 8000, "EUR", "dispute")]
    assert (balance(), journals_add_up()) == (0, True)
    assert job_keys(["payments.report_dispute"]) == [f"payments.report_dispute:{dispute.pk}:1"]
    assert queries.find_trouble_with_dispute(dispute.pk) == (
        f"The cardholder disputes €80 of payment {attempt.payment_ref} of order order-1 (fraudulent): "
        "answer at the gateway by Monday 9 March 2026, 10:00 (UTC, GMT)."
    )
    entry = AuditEntry.objects.get(action="dispute.change")
    assert (entry.object_id, entry.before["status"], entry.after["status"]) == (dispute.pk, "", "needs_response")
    assert list(queries.open_disputes()) == [dispute]


def test_dispute_heard_of_twice_is_booked_once(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)

    first = look(attempt, now)
    again = look(attempt, now + timedelta(hours=2))

    assert (first.pk, again.changed_at, again.checked_at) == (again.pk, now, now + timedelta(hours=2))
    assert (len(ledger("dispute")), AuditEntry.objects.filter(action="dispute.change").count()) == (2, 1)


def test_dispute_that_is_won_brings_the_money_back_once(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)
    look(attempt, now)
    decide("answer", now)
    assert look(attempt, now).status == "under_review"
    decide("win", now)

    for _ in range(2):
        dispute = look(attempt, now + timedelta(days=1))

    assert (dispute.status, dispute.closed_at) == ("won", now + timedelta(days=1))
    assert [row[1] for row in ledger("dispute_reversal")] == [8000, -8000]
    assert (balance(), queries.refundable(attempt), journals_add_up()) == (8000, PRICE, True)
    assert queries.find_trouble_with_dispute(dispute.pk) == ""


def test_dispute_that_is_lost_leaves_nothing_to_refund(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)
    look(attempt, now)
    decide("lose", now)

    look(attempt, now)

    money = queries.order_money(ORDER, currency="EUR")
    assert (money.charged_back, money.kept, money.left, queries.refundable(attempt)) == (
        PRICE,
        NOTHING,
        NOTHING,
        NOTHING,
    )
    assert cancel_all(now) == []
    with pytest.raises(NotRefundableError):
        services.request_refund(attempt_id=attempt.pk, amount=eur(1), cause=RefundCause.STAFF, actor=ADMIN, now=now)
    assert (balance(), len(ledger("dispute"))) == (0, 2)


def test_money_given_back_twice_is_less_than_nothing_kept_and_nothing_left(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    [refund] = cancel_all(now)
    services.send_refund(refund_id=refund.pk, now=now)
    lost = snapshot_of(attempt, now, status="lost")

    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=lost, now=now)

    money = queries.order_money(ORDER, currency="EUR")
    assert (money.kept, money.left, queries.refundable(attempt), balance()) == (eur(-8000), NOTHING, NOTHING, -8000)


def test_inquiry_moves_no_money_and_blocks_no_refund(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now, is_inquiry=True)

    dispute = look(attempt, now)
    [refund] = cancel_all(now)
    sent = services.send_refund(refund_id=refund.pk, now=now)

    assert (dispute.is_inquiry, ledger("dispute"), sent.state) == (True, [], "succeeded")
    assert queries.find_trouble_with_dispute(dispute.pk).startswith("The bank asks about €80 of payment pi_")
    decide("close", now)
    assert look(attempt, now).closed_at == now
    assert (ledger("dispute"), queries.open_disputes().count()) == ([], 0)


def test_inquiry_that_becomes_a_dispute_takes_the_money_then(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now, is_inquiry=True)
    look(attempt, now)
    decide("escalate", now)

    dispute = look(attempt, now)

    assert (dispute.status, dispute.is_inquiry, balance()) == ("needs_response", False, 0)
    assert Dispute.objects.count() == 1


def test_refund_by_hand_of_a_disputed_payment_is_refused_and_says_why(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)
    look(attempt, now)

    with pytest.raises(PaymentDisputedError, match="until it has decided"):
        services.request_refund(attempt_id=attempt.pk, amount=eur(1), cause=RefundCause.STAFF, actor=ADMIN, now=now)

    assert states() == []


def test_refund_that_the_software_plans_waits_and_is_sent_when_the_dispute_is_won(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)
    look(attempt, now)

    [refund] = services.refund_order(
        order_ref=ORDER, amount=eur(5000), cause=RefundCause.STUDENT_CANCELLED, actor=SYSTEM, now=now
    )
    assert (refund.state, refund.last_error) == (
        "held",
        f"Waits for the end of dispute {BankDispute.objects.get().ref}.",
    )
    assert (job_keys(["payments.send_refund"]), services.send_refund(refund_id=refund.pk, now=now).state) == (
        [],
        "held",
    )
    assert not Refund.objects.exists()
    decide("win", now)
    look(attempt, now)

    assert (states(), len(job_keys(["payments.send_refund"]))) == ([("requested", 5000)], 1)
    assert services.send_refund(refund_id=refund.pk, now=now).state == "succeeded"
    assert (balance(), Refund.objects.get().amount_minor) == (3000, 5000)


def test_refund_that_waits_is_dropped_with_a_note_when_the_dispute_is_lost(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)
    look(attempt, now)
    [refund] = services.refund_order(
        order_ref=ORDER, amount=eur(5000), cause=RefundCause.STUDENT_CANCELLED, actor=SYSTEM, now=now
    )
    decide("lose", now)

    dispute = look(attempt, now)

    refund.refresh_from_db()
    assert (refund.state, refund.last_error) == (
        "dropped",
        f"The bank gave this money back, by dispute {dispute.dispute_ref}.",
    )
    assert job_keys(["payments.send_refund", "payments.report_failed_refund"]) == []
    assert AuditEntry.objects.filter(action="refund.dropped", reason=refund.last_error).exists()
    assert queries.find_trouble_with_refund(refund.pk) == ""


def test_dispute_of_a_part_drops_that_part_and_sends_the_rest(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    part = snapshot_of(attempt, now, amount=eur(3000), withdrawn=eur(3000))
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=part, now=now)
    cancel_all(now)

    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(part, status="lost"), now=now)

    assert states() == [("split", 8000), ("dropped", 3000), ("requested", 5000)]
    assert (queries.refundable(attempt), queries.order_money(ORDER, currency="EUR").kept) == (NOTHING, NOTHING)


def test_several_held_refunds_are_dropped_oldest_first(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    part = snapshot_of(attempt, now, amount=eur(3000), withdrawn=eur(3000))
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=part, now=now)
    for minor in (3000, 1000):
        services.refund_order(order_ref=ORDER, amount=eur(minor), cause=RefundCause.STAFF, actor=ADMIN, now=now)

    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(part, status="lost"), now=now)

    assert states() == [("dropped", 3000), ("requested", 1000)]


def test_held_refunds_wait_for_the_last_of_two_disputes(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    one = snapshot_of(attempt, now, amount=eur(3000), withdrawn=eur(3000))
    other = replace(one, dispute_ref="du_2")
    for snapshot in (one, other):
        services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=snapshot, now=now)
    cancel_all(now)

    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(one, status="lost"), now=now)
    assert states() == [("split", 8000), ("dropped", 3000), ("held", 5000)]
    won = replace(other, status="won", reinstated=eur(3000))
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=won, now=now)

    assert states() == [("split", 8000), ("dropped", 3000), ("requested", 5000)]


def test_refund_that_was_asked_for_before_the_dispute_is_held(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    [refund] = cancel_all(now)
    dispute_it(attempt, now)

    look(attempt, now)

    assert states() == [("held", 8000)]
    assert services.send_refund(refund_id=refund.pk, now=now).state == "held"


def test_refund_that_may_have_been_sent_is_looked_for_before_it_is_held(
    now: datetime, arm: Callable[[str], None]
) -> None:
    attempt = pay_attempt(now=now)
    [refund] = cancel_all(now)
    arm("server_error")
    with pytest.raises(Exception, match="500"):
        services.send_refund(refund_id=refund.pk, now=now)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, now), now=now)
    assert states() == [("requested", 8000)]

    held = services.send_refund(refund_id=refund.pk, now=now)

    assert (held.state, Refund.objects.count()) == ("held", 0)


def test_held_refund_that_had_been_executed_is_found_in_the_gateways_list(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, now), now=now)
    [refund] = cancel_all(now)
    words = {"greenroom_site": installation_ref(), "refund_request": str(refund.pk)}
    make_refund(str(attempt.payment_ref), PRICE, words, now=now)

    services.sync_attempt(attempt_id=attempt.pk, now=now)

    assert states() == [("succeeded", 8000)]


def test_refund_that_the_gateway_refuses_for_a_dispute_we_did_not_know_is_held(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    [refund] = cancel_all(now)
    dispute_it(attempt, now)

    held = services.send_refund(refund_id=refund.pk, now=now)

    assert (held.state, Dispute.objects.get().status) == ("held", "needs_response")
    assert job_keys(["payments.report_failed_refund"]) == []


def test_failed_refund_of_a_disputed_payment_is_not_tried_again(now: datetime, arm: Callable[[str], None]) -> None:
    attempt = pay_attempt(now=now)
    [refund] = cancel_all(now)
    arm("refund_fails")
    services.send_refund(refund_id=refund.pk, now=now)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=snapshot_of(attempt, now), now=now)

    with pytest.raises(PaymentDisputedError):
        services.retry_refund(refund_id=refund.pk, actor=ADMIN, now=now)

    assert states() == [("failed", 8000)]


def test_older_look_changes_nothing(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    old = snapshot_of(attempt, now)
    for newer in (old, replace(old, status="under_review"), replace(old, status="lost")):
        services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=newer, now=now)

    for late in (old, replace(old, status="under_review"), replace(old, withdrawn=NOTHING), replace(old, status="won")):
        services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=late, now=now + timedelta(hours=1))

    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.changed_at, dispute.times_opened) == ("lost", now, 1)
    assert len(ledger("dispute")) == 2


def test_dispute_that_was_over_opens_again_only_when_money_moved(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    closed = snapshot_of(attempt, now, status="warning_closed", is_inquiry=True, withdrawn=NOTHING)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=closed, now=now)
    unmoved = replace(closed, status="needs_response", is_inquiry=False)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=unmoved, now=now)
    assert Dispute.objects.get().status == "warning_closed"

    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(unmoved, withdrawn=PRICE), now=now)

    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.closed_at, dispute.times_opened, balance()) == ("needs_response", None, 2, 0)
    assert f"payments.report_dispute:{dispute.pk}:2" in job_keys(["payments.report_dispute"])


def test_lost_dispute_that_is_won_after_all_shows_the_refund_that_was_dropped(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    taken = snapshot_of(attempt, now)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=taken, now=now)
    [refund] = cancel_all(now)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(taken, status="lost"), now=now)

    won = replace(taken, status="won", reinstated=PRICE)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=won, now=now)

    assert (states(), balance()) == ([("dropped", 8000)], 8000)
    assert job_keys(["payments.report_failed_refund"]) == [f"payments.report_failed_refund:{refund.pk}:1"]
    assert "now took it again: try again" in queries.find_trouble_with_refund(refund.pk)
    again = services.retry_refund(refund_id=refund.pk, actor=ADMIN, now=now)
    assert (again.state, queries.find_trouble_with_refund(refund.pk)) == ("requested", "")


def test_partly_lost_dispute_that_is_won_after_all_pays_the_dropped_part_and_no_more(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    taken = snapshot_of(attempt, now, amount=eur(3000), withdrawn=eur(3000))
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=taken, now=now)
    [whole] = services.refund_order(
        order_ref=ORDER, amount=eur(4000), cause=RefundCause.STUDENT_CANCELLED, actor=ADMIN, now=now
    )
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(taken, status="lost"), now=now)
    assert states() == [("split", 4000), ("dropped", 3000), ("requested", 1000)]

    won = replace(taken, status="won", reinstated=eur(3000))
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=won, now=now)

    dropped = RefundRequest.objects.get(state="dropped")
    assert job_keys(["payments.report_failed_refund"]) == [f"payments.report_failed_refund:{dropped.pk}:1"]
    with pytest.raises(NotRefundableError):
        services.retry_refund(refund_id=whole.pk, actor=ADMIN, now=now)
    services.retry_refund(refund_id=dropped.pk, actor=ADMIN, now=now)
    assert states() == [("split", 4000), ("requested", 3000), ("requested", 1000)]
    assert queries.refundable(attempt) == eur(4000)


@pytest.mark.parametrize("between", ["under_review", "appeal_under_review"])
def test_lost_dispute_whose_money_is_back_before_it_is_won_shows_the_dropped_refund_too(
    now: datetime, between: str
) -> None:
    attempt = pay_attempt(now=now)
    taken = snapshot_of(attempt, now)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=taken, now=now)
    [refund] = cancel_all(now)

    for step in (
        replace(taken, status="lost"),
        replace(taken, status=between, reinstated=PRICE),
        replace(taken, status="won", reinstated=PRICE),
    ):
        services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=step, now=now)

    assert states() == [("dropped", 8000)]
    assert job_keys(["payments.report_failed_refund"]) == [f"payments.report_failed_refund:{refund.pk}:1"]


def test_status_that_nobody_knows_is_kept_and_blocks_until_it_is_over(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    strange = snapshot_of(attempt, now, status="appeal_under_review_2031")
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=strange, now=now)

    assert (Dispute.objects.get().status, queries.find_blocking_dispute(attempt)) == (
        "appeal_under_review_2031",
        Dispute.objects.get(),
    )
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(strange, status="under_review"), now=now)
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=replace(strange, status="x" * 60), now=now)

    assert Dispute.objects.get().status == "x" * 40


def test_dispute_without_a_reason_and_a_date_is_told_all_the_same(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    bare = snapshot_of(attempt, now, reason="")

    dispute = services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=bare, now=now)

    assert queries.find_trouble_with_dispute(dispute.pk).endswith("(no reason given): answer at the gateway.")


def test_dispute_that_was_prevented_with_the_money_gone_counts_as_charged_back(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    prevented = snapshot_of(attempt, now, status="prevented")

    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=prevented, now=now)

    assert (queries.refundable(attempt), queries.find_blocking_dispute(attempt)) == (NOTHING, None)


def test_dispute_in_another_currency_is_refused_aloud(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    strange = snapshot_of(attempt, now, amount=Money(8000, "USD"))

    with pytest.raises(CurrencyMismatchError):
        services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=strange, now=now)

    assert not Dispute.objects.exists()


def test_learn_disputes_inside_a_transaction_is_refused(now: datetime) -> None:
    attempt = pay_attempt(now=now)

    with pytest.raises(NetworkCallInTransactionError), transaction.atomic():
        services.learn_disputes(attempt, now=now)


def test_given_back_counts_what_banks_took(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    lost = snapshot_of(attempt, now, status="lost", amount=eur(3000), withdrawn=eur(3000))
    services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=lost, now=now)
    cancel_all(now)

    assert queries.given_back(PaymentAttempt.objects.values("order_ref")) == {"EUR": 8000}


@pytest.mark.usefixtures("money_jobs")
def test_open_dispute_stays_an_item_of_the_operator_until_it_is_over(
    now: datetime, run_due_jobs: Callable[[], Run]
) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)
    Job.objects.filter(kind="stripe_sandbox.deliver_event").delete()
    look(attempt, now)

    run_due_jobs()
    report = Job.objects.get(kind="payments.report_dispute")
    assert (report.state, "by Monday 9 March" in report.last_error) == ("failed", True)
    decide("answer", now)
    look(attempt, now)
    Job.objects.filter(kind="stripe_sandbox.deliver_event").delete()
    run_due_jobs()
    report.refresh_from_db()
    assert report.state == "failed"
    decide("win", now)
    look(attempt, now)
    Job.objects.filter(kind="stripe_sandbox.deliver_event").delete()
    run_due_jobs()

    report.refresh_from_db()
    assert report.state == "done"


def test_dispute_and_cancellation_at_once_never_send_the_money_twice(
    race: Callable[[Sequence[Callable[[], Any]]], list[Any]], frozen_clock: SettableClock
) -> None:
    now = frozen_clock()
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)

    race([lambda: look(attempt, now), lambda: look(attempt, now), lambda: cancel_all(now), lambda: look(attempt, now)])

    assert (Dispute.objects.count(), len(ledger("dispute"))) == (1, 2)
    assert states() == [("held", 8000)]


def test_fee_of_a_dispute_is_booked_as_it_changes(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    taken = snapshot_of(attempt, now, fee=eur(1500))
    won = replace(taken, status="won", reinstated=PRICE, fee=NOTHING)

    for snapshot in (taken, taken, won, taken, won):
        services.apply_dispute_snapshot(attempt_id=attempt.pk, snapshot=snapshot, now=now)

    assert [row[1] for row in ledger("dispute_fee")] == [-1500, 1500, 1500, -1500]
    assert (Dispute.objects.get().fee_minor, journals_add_up(), orders_off_the_ledger()) == (0, True, [])


def test_operator_is_mailed_once_about_a_new_dispute(now: datetime, settings: Any) -> None:
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, operator_email="ops@example.org")
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)

    for _ in range(2):
        dispute = look(attempt, now)

    [message] = Message.objects.all()
    assert (message.kind, message.to, message.subject_id) == ("payments.dispute_opened", "ops@example.org", dispute.pk)
    content = dispute_opened(message, now)
    assert content is not None
    assert content.subject == "A payment is disputed"
    assert "answer at the gateway by Monday 9 March 2026, 10:00" in content.text
    assert f"/ops/orders/{ORDER}/" in content.text
    decide("lose", now)
    look(attempt, now)
    assert (dispute_opened(message, now), Message.objects.count()) == (None, 1)


def test_nobody_is_mailed_about_a_dispute_where_no_operator_is_named(now: datetime) -> None:
    attempt = pay_attempt(now=now)
    dispute_it(attempt, now)

    look(attempt, now)

    assert not Message.objects.exists()
