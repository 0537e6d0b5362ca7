"""Rows that belong to no single app: the audit log, the rate buckets, and who we are."""

from django.db import models
from django.db.models import Q

from greenroom.core.ids import REF_LENGTH


class AuditEntry(models.Model):
    """One change of state: who, what, before, after and why. Append-only: rows are never edited.

    `road` says by which road the system learned of it, where that is not the usual one.
    """

    at = models.DateTimeField(db_index=True)
    actor_kind = models.CharField(max_length=16)
    actor_user_id = models.BigIntegerField(null=True, blank=True)
    actor_address = models.GenericIPAddressField(null=True, blank=True)
    action = models.CharField(max_length=64)
    object_kind = models.CharField(max_length=64)
    object_id = models.BigIntegerField()
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    road = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["object_kind", "object_id"], name="audit_by_object"),
            models.Index(fields=["at"], condition=~Q(road=""), name="audit_by_road"),
        ]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        """Return the entry as one line of the log."""
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_kind} {self.action} {self.object_kind} {self.object_id}"


class RateBucket(models.Model):
    """How often one key was used in the current window. `key` is an HMAC: no address is stored in clear."""

    key = models.CharField(max_length=64, unique=True)
    used = models.PositiveIntegerField()
    window_ends_at = models.DateTimeField(db_index=True)


class Installation(models.Model):
    """The one row that says which installation this database belongs to, whatever its address becomes."""

    ref = models.CharField(max_length=REF_LENGTH)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="core_installation_is_one")]

    def __str__(self) -> str:
        """Return the reference."""
        return self.ref
