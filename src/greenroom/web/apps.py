"""Django's entry for the pages."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Carries the templates, the template tags and the built front end."""

    name = "greenroom.web"
    label = "web"
    verbose_name = "Pages"
