"""The API as a Django app: it keeps the answers given under idempotency keys."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers the idempotency keys."""

    name = "greenroom.api"
    label = "api"
