"""Mounted at /ops/."""

from django.urls import URLPattern, URLResolver, path

from greenroom.web.ops import payments, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.health, name="ops"),
    path("explain/", views.explain, name="ops_explain"),
    path("payments/", payments.payments, name="ops_payments"),
    path("payments/connect/", payments.connect, name="ops_payments_connect"),
    path("jobs/<int:pk>/retry/", views.retry_job, name="ops_retry"),
]
