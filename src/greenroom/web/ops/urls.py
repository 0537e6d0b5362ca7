"""Mounted at /ops/."""

from django.urls import URLPattern, URLResolver, path

from greenroom.web.ops import money, orders, payments, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.health, name="ops"),
    path("explain/", views.explain, name="ops_explain"),
    path("money/", money.money, name="ops_money"),
    path("money/check/", money.check_now, name="ops_money_check"),
    path("orders/", orders.order_list, name="ops_orders"),
    path("orders/<str:ref>/", orders.order_page, name="ops_order"),
    path("orders/<str:ref>/refund/", orders.refund, name="ops_refund"),
    path("payments/", payments.payments, name="ops_payments"),
    path("payments/connect/", payments.connect, name="ops_payments_connect"),
    path("jobs/<int:pk>/retry/", views.retry_job, name="ops_retry"),
]
