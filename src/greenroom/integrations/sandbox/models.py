"""Faults waiting to happen."""

from django.db import models


class ArmedFault(models.Model):
    """A fault that the next `remaining` fitting calls of one seam will meet."""

    seam = models.CharField(max_length=16)
    name = models.CharField(max_length=40)
    remaining = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["seam", "name"], name="sandbox_faults_one_row_per_name")]

    def __str__(self) -> str:
        """Return the fault and how often it will still happen."""
        return f"{self.seam} {self.name} x{self.remaining}"
