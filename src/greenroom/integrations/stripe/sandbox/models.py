"""What the gateway remembers. No card number is ever among it, only what the card does."""

from django.db import models
from django.db.models import Q

from greenroom.integrations.stripe.protocol import DisputeStatus, PayState, RefundState


class Checkout(models.Model):
    """One hosted payment page and the payment that comes of it.

    `captured_*` is what was really taken; it differs from the asked amount only under a fault.
    """

    ref = models.CharField(max_length=80, unique=True)
    payment_ref = models.CharField(max_length=80, unique=True)
    state = models.CharField(max_length=16, default=PayState.OPEN)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    captured_minor = models.BigIntegerField(default=0)
    captured_currency = models.CharField(max_length=3, blank=True)
    behaviour = models.CharField(max_length=24, blank=True)
    problem = models.CharField(max_length=40, blank=True)
    lines = models.JSONField()
    email = models.EmailField()
    success_url = models.URLField(max_length=500)
    cancel_url = models.URLField(max_length=500)
    metadata = models.JSONField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(PayState)), name="sandbox_checkout_state_is_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="sandbox_checkout_asks_for_money"),
        ]

    def __str__(self) -> str:
        """Return the reference and the state."""
        return f"{self.ref} {self.state}"


class Refund(models.Model):
    """Money on its way back."""

    ref = models.CharField(max_length=80, unique=True)
    checkout = models.ForeignKey(Checkout, models.CASCADE, related_name="refunds")
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=16)
    problem = models.CharField(max_length=40, blank=True)
    metadata = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=list(RefundState)), name="sandbox_refund_state_is_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="sandbox_refund_gives_money"),
        ]

    def __str__(self) -> str:
        """Return the reference and the state."""
        return f"{self.ref} {self.state}"


class Dispute(models.Model):
    """A cardholder who asks their bank for the money back. `withdrawn_minor` and `reinstated_minor` only grow."""

    ref = models.CharField(max_length=80, unique=True)
    checkout = models.ForeignKey(Checkout, models.CASCADE, related_name="disputes")
    amount_minor = models.BigIntegerField()
    status = models.CharField(max_length=32)
    reason = models.CharField(max_length=40)
    withdrawn_minor = models.BigIntegerField(default=0)
    reinstated_minor = models.BigIntegerField(default=0)
    evidence_due_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=list(DisputeStatus)), name="sandbox_dispute_status_is_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="sandbox_dispute_is_about_money"),
        ]

    def __str__(self) -> str:
        """Return the reference and the status."""
        return f"{self.ref} {self.status}"


class Event(models.Model):
    """Something that happened, with the exact text that is sent for it."""

    ref = models.CharField(max_length=80, unique=True)
    type = models.CharField(max_length=64)
    body = models.TextField()
    created_at = models.DateTimeField(db_index=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        """Return the reference and the type."""
        return f"{self.ref} {self.type}"


class IdempotencyKey(models.Model):
    """The first answer to a key: `status` 0 while the call is being executed, then 200, 400 or 500."""

    key = models.CharField(max_length=255, unique=True)
    params_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(default=dict)
    started_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the key and its status."""
        return f"{self.key} {self.status}"
