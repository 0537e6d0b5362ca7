"""Orders and their lines."""

from datetime import timedelta

from django.db import models
from django.db.models import Q

from greenroom.catalog.models import Offer
from greenroom.catalog.types import RefundTier
from greenroom.coaches.models import Coach
from greenroom.core.ids import REF_LENGTH, new_ref
from greenroom.core.money import Money
from greenroom.orders.types import LineKind


class Order(models.Model):
    """What one person buys at once. Prices, lines and policy are copied here and never looked up again."""

    ref = models.CharField(max_length=REF_LENGTH, unique=True, default=new_ref)
    coach = models.ForeignKey(Coach, on_delete=models.PROTECT, related_name="orders")
    name = models.CharField(max_length=100)
    email = models.EmailField()
    currency = models.CharField(max_length=3)
    total_minor = models.PositiveIntegerField()
    policy = models.JSONField(help_text="The cancellation policy as it was shown: notice in hours, percent back.")
    is_test = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_index=True)
    accepted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        """Return the reference."""
        return self.ref

    @property
    def total(self) -> Money:
        """What is to be paid."""
        return Money(self.total_minor, self.currency)

    @property
    def refund_tiers(self) -> tuple[RefundTier, ...]:
        """The frozen cancellation policy, the longest notice first."""
        return tuple(RefundTier(timedelta(hours=tier["notice_hours"]), tier["percent"]) for tier in self.policy)


class OrderLine(models.Model):
    """One thing on an order, with the title and price it had when it was shown."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in LineKind])
    title = models.CharField(max_length=160)
    offer = models.ForeignKey(Offer, null=True, blank=True, on_delete=models.PROTECT)
    price_minor = models.IntegerField()

    class Meta:
        ordering = ("position",)
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_lines_stand_in_order"),
            models.CheckConstraint(condition=Q(kind__in=[*LineKind]), name="order_lines_kind_is_known"),
        ]

    @property
    def price(self) -> Money:
        """The frozen price of this line, in the order's currency."""
        return Money(self.price_minor, self.order.currency)
