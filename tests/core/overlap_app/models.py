"""Rooms and the visits that occupy them."""

from django.db import models

from greenroom.core.constraints import NoOverlap

OCCUPYING = ("held", "confirmed")


class Room(models.Model):
    """An owner of time."""

    name = models.CharField(max_length=20)

    class Meta:
        app_label = "overlap_app"  # tests import this module before they install the app


class Visit(models.Model):
    """A stretch of a room's time."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE)
    blocked_from = models.DateTimeField()
    blocked_until = models.DateTimeField()
    status = models.CharField(max_length=20)
    is_exclusive = models.BooleanField(default=True)
    note = models.CharField(max_length=20, blank=True)

    class Meta:
        app_label = "overlap_app"
        constraints = [
            NoOverlap(
                name="visits_no_overlap_per_room",
                owner="room",
                start="blocked_from",
                end="blocked_until",
                status_field="status",
                statuses=OCCUPYING,
                flag="is_exclusive",
            ),
        ]
