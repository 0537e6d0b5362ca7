"""Mounted at /ops/."""

from django.urls import URLPattern, URLResolver, path

from greenroom.web.ops import orders, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.health, name="ops"),
    path("explain/", views.explain, name="ops_explain"),
    path("orders/", orders.order_list, name="ops_orders"),
    path("orders/<str:ref>/", orders.order_page, name="ops_order"),
    path("orders/<str:ref>/refund/", orders.refund, name="ops_refund"),
    path("jobs/<int:pk>/retry/", views.retry_job, name="ops_retry"),
]
