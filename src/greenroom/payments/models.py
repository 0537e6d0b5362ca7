"""Rows about money: attempts, callbacks, refunds, disputes, ledger."""

from django.db import models
from django.db.models import F, Q

from greenroom.core.fields import EncryptedTextField
from greenroom.core.money import Money
from greenroom.payments import rules
from greenroom.payments.rules import LIVE
from greenroom.payments.types import (
    AttemptState,
    CheckSubject,
    DisputeStand,
    EventState,
    MoneyRule,
    RefundCause,
    RefundRequestState,
)

_REF_LENGTH = 255  # as long as Stripe allows its references to become


class PaymentAttempt(models.Model):
    """One attempt to be paid for an order, at one gateway.

    The row, with its key and everything that is sent, is committed before the gateway is called; so a call whose
    answer was lost is repeated word for word. `captured_*` is what really arrived, `mismatch` says how that differs
    from what was agreed: such an attempt is `failed` and its money goes back. `fee_*` is what the gateway keeps of it,
    in the currency of its payouts; None while that is not known.
    """

    ref = models.CharField(max_length=22, unique=True)
    order_ref = models.CharField(max_length=64)
    seq = models.PositiveIntegerField()
    gateway = models.CharField(max_length=16)
    idempotency_key = models.CharField(max_length=64, unique=True)
    params_hash = models.CharField(max_length=64)
    request = models.JSONField()
    gateway_ref = models.CharField(max_length=_REF_LENGTH, unique=True, null=True, blank=True)
    payment_ref = models.CharField(max_length=_REF_LENGTH, unique=True, null=True, blank=True)
    pay_url = models.TextField(blank=True)  # a gateway sets no limit that we could rely on
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    captured_minor = models.BigIntegerField(default=0)
    captured_currency = models.CharField(max_length=3, blank=True)
    fee_minor = models.BigIntegerField(null=True, blank=True)
    fee_currency = models.CharField(max_length=3, blank=True)
    state = models.CharField(max_length=16, choices=[(state, state) for state in AttemptState])
    is_closing = models.BooleanField(default=False)
    is_test = models.BooleanField()
    problem = models.CharField(max_length=200, blank=True)
    mismatch = models.CharField(max_length=300, blank=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    checked_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["checked_at"], condition=Q(state__in=sorted(LIVE)), name="payments_live"),
            models.Index(
                fields=["checked_at"],
                condition=Q(fee_minor__isnull=True, captured_minor__gt=0),
                name="payments_fee_unknown",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(AttemptState)), name="payments_attempt_state_is_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_attempt_asks_for_money"),
            models.UniqueConstraint(fields=["order_ref", "seq"], name="payments_attempts_are_numbered_per_order"),
            models.UniqueConstraint(
                fields=["order_ref"],
                condition=Q(state__in=sorted(LIVE)),
                name="payments_one_live_attempt_per_order",
            ),
            models.CheckConstraint(
                condition=~Q(state=AttemptState.PAID)
                | Q(
                    paid_at__isnull=False,
                    payment_ref__isnull=False,
                    captured_minor=F("amount_minor"),
                    captured_currency=F("currency"),
                    mismatch="",
                ),
                name="payments_paid_attempt_captured_what_was_agreed",
            ),
            models.CheckConstraint(
                condition=Q(state=AttemptState.CREATED, gateway_ref__isnull=True)
                | Q(state__in=[AttemptState.DEAD])
                | (~Q(state=AttemptState.CREATED) & Q(gateway_ref__isnull=False)),
                name="payments_attempt_at_gateway_has_its_reference",
            ),
        ]

    def __str__(self) -> str:
        """Return order, number and state."""
        return f"{self.order_ref} #{self.seq} {self.state}"

    @property
    def amount(self) -> Money:
        """What was agreed."""
        return Money(self.amount_minor, self.currency)

    @property
    def captured(self) -> Money:
        """What really arrived; zero before."""
        return Money(self.captured_minor, self.captured_currency or self.currency)

    @property
    def fee(self) -> Money | None:
        """What the gateway keeps of it; None while that is not known."""
        return None if self.fee_minor is None else Money(self.fee_minor, self.fee_currency)

    @property
    def is_live(self) -> bool:
        """Whether it may still be paid as far as we know."""
        return self.state in LIVE


class GatewayEvent(models.Model):
    """One genuine callback, kept as it came. The row outlives a failed run of the job that works on it.

    `is_collected`: it did not come by itself, it was found in the gateway's list.
    """

    gateway = models.CharField(max_length=16)
    account = models.CharField(max_length=64, blank=True)
    event_id = models.CharField(max_length=_REF_LENGTH)
    type = models.CharField(max_length=80)
    object_kind = models.CharField(max_length=32)
    object_ref = models.CharField(max_length=_REF_LENGTH)
    payment_ref = models.CharField(max_length=_REF_LENGTH, blank=True)
    metadata = models.JSONField(default=dict)
    raw = models.JSONField()
    state = models.CharField(
        max_length=16, choices=[(state, state) for state in EventState], default=EventState.RECEIVED
    )
    is_collected = models.BooleanField(default=False)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "received_at"], name="payments_event_by_state"),
            models.Index(fields=["object_ref"], name="payments_event_by_object"),
            models.Index(fields=["payment_ref"], name="payments_event_by_payment"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "account", "event_id"], name="payments_one_row_per_gateway_event"
            ),
            models.CheckConstraint(condition=Q(state__in=list(EventState)), name="payments_event_state_is_known"),
        ]

    def __str__(self) -> str:
        """Return type and reference."""
        return f"{self.type} {self.event_id}"


class RefundRequest(models.Model):
    """Money that is to go back. Each try has a key of its own; `idempotency_key` is that of the latest.

    `request_token` is that of the form with which staff asked for it, `reason` what they wrote. Without `lines` it is
    for all of the order's lines, in proportion.
    """

    attempt = models.ForeignKey(PaymentAttempt, models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    cause = models.CharField(max_length=24, choices=[(cause, cause) for cause in RefundCause])
    try_no = models.PositiveIntegerField(default=1)
    idempotency_key = models.CharField(max_length=64, unique=True, null=True, blank=True)
    refund_ref = models.CharField(max_length=_REF_LENGTH, unique=True, null=True, blank=True)
    state = models.CharField(max_length=16, choices=[(state, state) for state in RefundRequestState])
    last_error = models.CharField(max_length=500, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    request_token = models.CharField(max_length=22, blank=True)
    lines = models.JSONField(
        default=list, blank=True, help_text="Numbers of the order's lines with what is for each, in minor units."
    )
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    checked_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "checked_at"], name="payments_refund_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=list(RefundRequestState)), name="payments_refund_state_is_known"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payments_refund_gives_money"),
            models.CheckConstraint(condition=Q(cause__in=list(RefundCause)), name="payments_refund_cause_is_known"),
            models.UniqueConstraint(
                fields=["attempt", "request_token"],
                condition=~Q(request_token=""),
                name="payments_one_refund_per_form_and_attempt",
            ),
        ]

    def __str__(self) -> str:
        """Return amount, currency and state."""
        return f"{self.amount_minor} {self.currency} {self.state}"

    @property
    def amount(self) -> Money:
        """What is to go back."""
        return Money(self.amount_minor, self.currency)


class Dispute(models.Model):
    """A cardholder who asked their bank for the money back, as the gateway showed it last.

    `status` is the gateway's word, kept as it is also when it is one that we do not know. An inquiry moves no money.
    `withdrawn_minor` and `reinstated_minor` are all that was ever moved for it, in the currency of the payment.
    `times_opened` grows when it was over and money moved again. `fee_*` is what the gateway charges for it.
    """

    attempt = models.ForeignKey(PaymentAttempt, models.PROTECT, related_name="disputes")
    dispute_ref = models.CharField(max_length=_REF_LENGTH, unique=True)
    status = models.CharField(max_length=40)
    is_inquiry = models.BooleanField()
    reason = models.CharField(max_length=64, blank=True)
    amount_minor = models.BigIntegerField()
    withdrawn_minor = models.BigIntegerField(default=0)
    reinstated_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    fee_minor = models.BigIntegerField(default=0)
    fee_currency = models.CharField(max_length=3, blank=True)
    evidence_due_at = models.DateTimeField(null=True, blank=True)
    times_opened = models.PositiveSmallIntegerField(default=1)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    checked_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["checked_at"], condition=Q(closed_at__isnull=True), name="payments_open_disputes")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0, withdrawn_minor__gte=0, reinstated_minor__gte=0),
                name="payments_dispute_moves_money_one_way_each",
            ),
        ]

    def __str__(self) -> str:
        """Return amount, currency and status."""
        return f"{self.amount_minor} {self.currency} {self.status}"

    @property
    def stand(self) -> DisputeStand:
        """How it stands, for the rules."""
        due = self.evidence_due_at.isoformat() if self.evidence_due_at else ""
        return DisputeStand(self.status, self.amount_minor, self.withdrawn_minor, self.reinstated_minor, due)

    @property
    def amount(self) -> Money:
        """What it is about."""
        return Money(self.amount_minor, self.currency)

    @property
    def charged_back(self) -> Money:
        """What the bank took for good; nothing while it is open."""
        return Money(rules.charged_back(self.stand), self.currency)

    @property
    def undecided(self) -> Money:
        """What the bank has taken and may still return; nothing once it is over."""
        held = 0 if self.closed_at else self.withdrawn_minor - self.reinstated_minor
        return Money(held, self.currency)

    @property
    def blocks_refunds(self) -> bool:
        """Whether nothing may be refunded until it is over."""
        return rules.blocks_refunds(status=self.status, is_inquiry=self.is_inquiry)


class LedgerEntry(models.Model):
    """One side of a movement of money; the entries of one `journal` add up to zero.

    Append-only: what was wrong is corrected by a journal of its own. Positive: the account holds more.
    """

    journal = models.CharField(max_length=22, db_index=True)
    account = models.CharField(max_length=64)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=24)
    source_kind = models.CharField(max_length=16)
    source_id = models.CharField(max_length=32)
    order_ref = models.CharField(max_length=64, blank=True, db_index=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "currency"], name="payments_ledger_by_account")]
        constraints = [
            models.UniqueConstraint(
                fields=["source_kind", "source_id", "kind", "account"], name="payments_money_is_booked_once"
            ),
            models.CheckConstraint(condition=~Q(amount_minor=0), name="payments_ledger_entry_moves_money"),
        ]
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        """Return account, amount and kind."""
        return f"{self.account} {self.amount_minor} {self.currency} {self.kind}"


class WebhookEndpoint(models.Model):
    """An endpoint that was made from here, with the secret that its gateway told once. Newer ones replace it."""

    gateway = models.CharField(max_length=16)
    ref = models.CharField(max_length=_REF_LENGTH, unique=True)
    url = models.URLField(max_length=300)
    secret = EncryptedTextField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return gateway and reference."""
        return f"{self.gateway} {self.ref}"


class MoneyCheck(models.Model):
    """One run of a nightly comparison; only the latest of each subject is kept."""

    ran_at = models.DateTimeField()
    subject = models.CharField(
        max_length=16, choices=[(subject, subject) for subject in CheckSubject], default=CheckSubject.BOOKS
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(subject__in=list(CheckSubject)), name="payments_check_subject_is_known"),
        ]

    def __str__(self) -> str:
        """Return when it ran, in UTC."""
        return f"{self.ran_at:%Y-%m-%d %H:%M} UTC"


class MoneyFinding(models.Model):
    """Where the latest check found that something does not hold."""

    check_run = models.ForeignKey(MoneyCheck, models.CASCADE, related_name="findings")
    rule = models.CharField(max_length=32, choices=[(rule, rule) for rule in MoneyRule])
    order_ref = models.CharField(max_length=64, blank=True)
    detail = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(rule__in=list(MoneyRule)), name="payments_finding_rule_is_known"),
        ]

    def __str__(self) -> str:
        """Return the rule and the order."""
        return f"{self.rule} {self.order_ref}"
