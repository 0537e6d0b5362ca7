"""Who may use what."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from greenroom.entitlements.types import EntitlementKind, Thing


class Entitlement(models.Model):
    """One reason why one person may use one thing. What it is and what gave it are known by reference only.

    `source` names what gave it, such as "order_line:12", and gives it once. It holds from `granted_at` until `ends_at`
    (UTC, excluded; None: for good), unless it was revoked. It can be given back: the audit log keeps what happened.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="entitlements")
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in EntitlementKind])
    thing_pk = models.PositiveBigIntegerField()
    source = models.CharField(max_length=64, unique=True)
    granted_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["user", "kind", "thing_pk"], name="entitlements_of_a_person")]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=[*EntitlementKind]), name="entitlements_kind_is_known"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("granted_at")),
                name="entitlements_end_after_they_begin",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_reason="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_reason="")),
                name="entitlements_say_why_they_were_revoked",
            ),
        ]

    def __str__(self) -> str:
        """Return the thing and what gave it."""
        return f"{self.kind} {self.thing_pk} by {self.source}"

    @property
    def thing(self) -> Thing:
        """What may be used."""
        return Thing(EntitlementKind(self.kind), self.thing_pk)
