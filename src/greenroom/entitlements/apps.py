"""Entitlements as a Django app."""

from django.apps import AppConfig


class EntitlementsConfig(AppConfig):
    """Registers entitlements."""

    name = "greenroom.entitlements"
    label = "entitlements"
