"""The last app to load: it fills the wiring tables once every other app stands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Wires the apps together at start-up."""

    name = "greenroom.config"
    label = "config"

    def ready(self) -> None:
        """Fill the tables of `config.wiring`."""
        from greenroom.config import wiring  # noqa: PLC0415 -- app ready

        wiring.wire()
