"""Core as a Django app: it owns the audit log and the rate buckets."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Registers the core models and checks."""

    name = "greenroom.core"
    label = "core"

    def ready(self) -> None:
        """Register the check that looks for the no-overlap guards in the database."""
        from greenroom.core import checks  # noqa: F401, PLC0415 -- app ready
