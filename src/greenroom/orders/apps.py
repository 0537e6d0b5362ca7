"""Orders as a Django app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Registers orders."""

    name = "greenroom.orders"
    label = "orders"
