"""Jobs as a Django app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Registers the due rows."""

    name = "greenroom.jobs"
    label = "jobs"
