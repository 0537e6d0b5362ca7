"""Answers kept so that a repeated call gets the same one."""

from django.db import models


class IdempotentAnswer(models.Model):
    """The answer to the first call under one key; none yet while that call still runs.

    `key_digest` covers the caller's address and the path besides the key, so that nobody is given another
    person's answer by guessing it.
    """

    key_digest = models.CharField(max_length=64, unique=True)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_index=True)
