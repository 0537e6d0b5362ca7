"""The shared part of the sandboxes as a Django app."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """Registers the armed faults."""

    name = "greenroom.integrations.sandbox"
    label = "sandbox"
