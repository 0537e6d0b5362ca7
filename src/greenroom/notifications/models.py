"""Planned and sent messages."""

from django.db import models
from django.db.models import Q

from greenroom.notifications.types import MessageState


class Message(models.Model):
    """One mail to one person. It is built when it is sent, from what is true then.

    `subject_id` is the primary key of the row it is about; its kind says of which table. `message_id` is made
    at planning: a repeat after a crash carries the same one.
    """

    kind = models.CharField(max_length=64)
    key = models.CharField(max_length=200, unique=True)
    to = models.EmailField(db_index=True)
    subject_id = models.BigIntegerField()
    message_id = models.CharField(max_length=200, unique=True)
    state = models.CharField(
        max_length=16, choices=[(state.value, state.value) for state in MessageState], default=MessageState.PLANNED
    )
    subject = models.CharField(max_length=400, blank=True)
    last_error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "subject_id"], name="messages_by_subject")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[*MessageState]), name="messages_state_is_known"),
        ]

    def __str__(self) -> str:
        """Return kind and recipient."""
        return f"{self.kind} to {self.to}"
