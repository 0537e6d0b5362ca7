"""Rooms as a Django app."""

from django.apps import AppConfig


class RoomsConfig(AppConfig):
    """Registers rooms, who may enter them, and what we know of our bot."""

    name = "greenroom.rooms"
    label = "rooms"
