"""Notifications as a Django app."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Registers messages."""

    name = "greenroom.notifications"
    label = "notifications"
