"""Mails that arrived."""

from django.db import models


class DeliveredMail(models.Model):
    """One mail in the sandbox's mailbox; attachments are kept as name, type and base64 content."""

    message_id = models.CharField(max_length=200, unique=True)
    to = models.CharField(max_length=254, db_index=True)
    subject = models.CharField(max_length=400)
    text = models.TextField()
    html = models.TextField()
    attachments = models.JSONField(default=list)
    sent_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return recipient and subject."""
        return f"{self.to}: {self.subject}"
