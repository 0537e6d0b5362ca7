"""What is known of payments by hand: how they can be made, what was asked for, said, seen and given back."""

from django.db import models
from django.db.models import Q

from greenroom.core.ids import REF_LENGTH, new_ref
from greenroom.core.money import Money
from greenroom.integrations.stripe.protocol import RefundState

MOST_HOURS = 30 * 24


class PayMethod(models.Model):
    """One way to pay by hand. It is switched off and never removed, because payments name it."""

    title = models.CharField(max_length=60)
    instructions = models.TextField(max_length=2000)
    hours_to_pay = models.PositiveSmallIntegerField()
    coach_approves = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(hours_to_pay__gte=1, hours_to_pay__lte=MOST_HOURS), name="manual_method_gives_time_to_pay"
            ),
        ]

    def __str__(self) -> str:
        """Return its title."""
        return self.title


class ManualPayment(models.Model):
    """One payment that is awaited: the gateway's side of an attempt.

    `code` is what the payer writes on the transfer. Until `expires_at` they may say that they paid (`handed_in_at`);
    then it waits for an answer until `answer_by` (None: for as long as it takes). `ended_at`: it can't be handed in any
    more. What really arrived is `received_*`, and may arrive after the end. `refusal` is the last answer that was no.
    Without a method the money arrived before anybody asked for it.
    """

    ref = models.CharField(max_length=40, unique=True)
    idempotency_key = models.CharField(max_length=64, unique=True)
    params_hash = models.CharField(max_length=64)
    method = models.ForeignKey(PayMethod, models.PROTECT, null=True, blank=True, related_name="payments")
    code = models.CharField(max_length=12, unique=True)
    order_ref = models.CharField(max_length=64, db_index=True)
    attempt_ref = models.CharField(max_length=22)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    is_test = models.BooleanField()
    page_url = models.TextField(blank=True)
    tz = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    answer_by = models.DateTimeField(null=True, blank=True)
    handed_in_at = models.DateTimeField(null=True, blank=True)
    times_handed_in = models.PositiveSmallIntegerField(default=0)
    note = models.TextField(max_length=500, blank=True)
    refusal = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    received_minor = models.BigIntegerField(default=0)
    received_currency = models.CharField(max_length=3, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["handed_in_at"],
                condition=Q(handed_in_at__isnull=False, received_at__isnull=True),
                name="manual_waits_for_an_answer",
            )
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="manual_payment_asks_for_money"),
            models.CheckConstraint(
                condition=Q(received_at__isnull=True, received_minor=0)
                | Q(received_at__isnull=False, received_minor__gt=0),
                name="manual_payment_received_money_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        """Return its code and amount."""
        return f"{self.code} {self.amount_minor} {self.currency}"

    @property
    def amount(self) -> Money:
        """What was asked for."""
        return Money(self.amount_minor, self.currency)

    @property
    def received(self) -> Money:
        """What arrived; zero before."""
        return Money(self.received_minor, self.received_currency or self.currency)

    @property
    def waits_for_an_answer(self) -> bool:
        """Whether somebody said that they paid, and nobody answered yet; also after its end."""
        return self.handed_in_at is not None and self.received_at is None


class Proof(models.Model):
    """A picture or PDF that a payer sent. It is kept in the database: private, and in every backup."""

    ref = models.CharField(max_length=REF_LENGTH, unique=True, default=new_ref)
    payment = models.ForeignKey(ManualPayment, models.CASCADE, related_name="proofs")
    kind = models.CharField(max_length=8)
    content = models.BinaryField()
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the name under which it is saved."""
        return f"proof-{self.ref}.{self.kind}"


class ManualRefund(models.Model):
    """Money that a person has to send back; `pending` until they say that they did, or that it cannot be done."""

    ref = models.CharField(max_length=40, unique=True)
    idempotency_key = models.CharField(max_length=64, unique=True)
    payment = models.ForeignKey(ManualPayment, models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=16, default=RefundState.PENDING)
    problem = models.CharField(max_length=300, blank=True)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="manual_refund_gives_money"),
            models.CheckConstraint(
                condition=Q(state__in=[RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED]),
                name="manual_refund_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        """Return its reference and state."""
        return f"{self.ref} {self.state}"

    @property
    def amount(self) -> Money:
        """What is to go back."""
        return Money(self.amount_minor, self.payment.received.currency)
