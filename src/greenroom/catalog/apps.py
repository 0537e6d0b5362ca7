"""The catalogue as a Django app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Registers offers."""

    name = "greenroom.catalog"
    label = "catalog"
