"""Mounted at /ops/."""

from django.urls import URLPattern, URLResolver, path

from greenroom.web.ops import by_hand, discord, money, orders, payments, rooms, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.health, name="ops"),
    path("explain/", views.explain, name="ops_explain"),
    path("money/", money.money, name="ops_money"),
    path("money/check/", money.check_now, name="ops_money_check"),
    path("orders/", orders.order_list, name="ops_orders"),
    path("orders/<str:ref>/", orders.order_page, name="ops_order"),
    path("orders/<str:ref>/refund/", orders.refund, name="ops_refund"),
    path("payments/", payments.payments, name="ops_payments"),
    path("payments/by-hand/", by_hand.by_hand, name="ops_by_hand"),
    path("payments/by-hand/methods/new/", by_hand.method, name="ops_by_hand_method_new"),
    path("payments/by-hand/methods/<int:pk>/", by_hand.method, name="ops_by_hand_method"),
    path("payments/by-hand/refunds/<str:ref>/", by_hand.refund, name="ops_by_hand_refund"),
    path("payments/by-hand/<str:ref>/", by_hand.payment, name="ops_by_hand_payment"),
    path("payments/by-hand/<str:ref>/proofs/<str:proof_ref>/", by_hand.proof, name="ops_by_hand_proof"),
    path("payments/connect/", payments.connect, name="ops_payments_connect"),
    path("discord/", discord.discord, name="ops_discord"),
    path("discord/examine/", discord.examine, name="ops_discord_examine"),
    path("rooms/", rooms.room_list, name="ops_rooms"),
    path("rooms/<str:ref>/look/", rooms.preview, name="ops_room_preview"),
    path("rooms/<str:ref>/repair/", rooms.repair, name="ops_room_repair"),
    path("rooms/policy/", rooms.policy, name="ops_room_policy"),
    path("rooms/<str:ref>/", rooms.room_page, name="ops_room"),
    path("jobs/<int:pk>/retry/", views.retry_job, name="ops_retry"),
]
