"""Orders, their lines, and the documents about their money."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from greenroom.catalog.models import Offer
from greenroom.catalog.types import RefundTier
from greenroom.coaches.models import Coach
from greenroom.core.ids import REF_LENGTH, new_ref
from greenroom.core.money import Money
from greenroom.orders.types import DocumentKind, LineKind
from greenroom.payments.models import LedgerEntry

_LABEL_LENGTH = 40


class Order(models.Model):
    """What one person buys at once. Prices, lines and policy are copied here and never looked up again.

    An order of what has a time belongs to a booking, which leads. Any other is a purchase and leads itself: it can be
    paid until `pay_until`, and is fulfilled or ended. `holder` is a digest of who buys before there is an account: the
    account or the hold cookie. `open_key` stands while it is open and keeps a person at one open order of an offer.
    `revoked_at`: what it gave was taken back, because its money went back. Instants are UTC.
    """

    ref = models.CharField(max_length=REF_LENGTH, unique=True, default=new_ref)
    coach = models.ForeignKey(Coach, on_delete=models.PROTECT, related_name="orders")
    name = models.CharField(max_length=100)
    email = models.EmailField()
    currency = models.CharField(max_length=3)
    total_minor = models.PositiveIntegerField()
    tax_words = models.CharField(max_length=60, blank=True, help_text="Name and rate of the tax in the total.")
    tax_minor = models.PositiveIntegerField(default=0)
    is_tax_on_top = models.BooleanField(default=False)
    commission_basis_points = models.PositiveSmallIntegerField(
        default=0, help_text="What the site keeps of what is paid before tax, in hundredths of a percent."
    )
    policy = models.JSONField(help_text="The cancellation policy as it was shown: notice in hours, percent back.")
    is_test = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_index=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    buyer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="purchases"
    )
    buyer_tz = models.CharField(max_length=64, blank=True)
    holder = models.CharField(max_length=64, blank=True, db_index=True)
    open_key = models.CharField(max_length=90, unique=True, null=True, blank=True)
    pay_until = models.DateTimeField(null=True, blank=True)
    fulfilled_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    access_changes = models.PositiveSmallIntegerField(default=0, help_text="How often access was taken or given back.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(open_key__isnull=True)
                | Q(pay_until__isnull=False, fulfilled_at__isnull=True, ended_at__isnull=True),
                name="orders_open_means_neither_fulfilled_nor_ended",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(fulfilled_at__isnull=False),
                name="orders_only_what_was_given_is_taken_back",
            ),
            models.CheckConstraint(
                condition=Q(fulfilled_at__isnull=True) | Q(buyer__isnull=False),
                name="orders_are_fulfilled_for_somebody",
            ),
        ]

    def __str__(self) -> str:
        """Return the reference."""
        return self.ref

    @property
    def total(self) -> Money:
        """What is to be paid."""
        return Money(self.total_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax in the total."""
        return Money(self.tax_minor, self.currency)

    @property
    def is_purchase(self) -> bool:
        """Whether it is of things without a time, and leads itself."""
        return self.pay_until is not None

    @property
    def gives_access(self) -> bool:
        """Whether what was bought can be used."""
        return self.fulfilled_at is not None and self.revoked_at is None

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
    price_reason = models.CharField(max_length=160, blank=True, help_text="Where the price came from, in words.")
    tax_minor = models.PositiveIntegerField(default=0, help_text="What its price bears of the order's tax.")

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


class DocumentSeries(models.Model):
    """One count of documents. Its row is locked while a number is given out, so that none is missing or given twice."""

    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in DocumentKind])
    is_test = models.BooleanField()
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "is_test"], name="orders_one_series_per_kind_of_document"),
        ]


class Document(models.Model):
    """A receipt or refund note: one for each movement of money, and never changed once it is issued.

    All that it prints is copied here. `amount_minor` is signed as its seller's takings: a refund note is below zero.
    `issued_at` and `moved_at` (when the money moved) are UTC; `issued_on` is the date printed, in the site's zone.
    """

    ref = models.CharField(max_length=REF_LENGTH, unique=True, default=new_ref)
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in DocumentKind])
    is_test = models.BooleanField()
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=_LABEL_LENGTH, unique=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="documents")
    entry = models.OneToOneField(LedgerEntry, on_delete=models.PROTECT, related_name="document")
    refers_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="notes", help_text="What it takes back."
    )
    issued_at = models.DateTimeField()
    issued_on = models.DateField(db_index=True)
    moved_at = models.DateTimeField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    seller_name = models.CharField(max_length=80)
    buyer_name = models.CharField(max_length=100)
    buyer_email = models.EmailField()
    lines = models.JSONField(help_text="Titles and signed amounts in minor units.")
    tax_words = models.CharField(max_length=60, blank=True, help_text="Name and rate of the tax in the amount.")
    tax_minor = models.BigIntegerField(default=0, help_text="That tax, signed like the amount.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "is_test", "number"], name="orders_document_numbers_are_unique"),
            models.CheckConstraint(condition=Q(kind__in=[*DocumentKind]), name="orders_document_kind_is_known"),
            models.CheckConstraint(
                condition=Q(kind=DocumentKind.REFUND_NOTE, amount_minor__lt=0)
                | (~Q(kind=DocumentKind.REFUND_NOTE) & Q(amount_minor__gt=0)),
                name="orders_only_refund_notes_are_below_zero",
            ),
            models.CheckConstraint(
                condition=Q(kind=DocumentKind.RECEIPT, refers_to__isnull=True)
                | (~Q(kind=DocumentKind.RECEIPT) & Q(refers_to__isnull=False)),
                name="orders_notes_refer_to_a_document",
            ),
        ]

    def __str__(self) -> str:
        """Return its number."""
        return self.label

    @property
    def amount(self) -> Money:
        """What it adds to its seller's takings; below zero for a refund note."""
        return Money(self.amount_minor, self.currency)

    @property
    def tax(self) -> Money:
        """The tax in the amount, signed like it."""
        return Money(self.tax_minor, self.currency)

    @property
    def printed_lines(self) -> list[tuple[str, Money]]:
        """Its lines: title and signed amount each."""
        return [(line["title"], Money(line["minor"], self.currency)) for line in self.lines]
