"""Mounted at /sandbox/ in the demo alone."""

from django.urls import URLPattern, URLResolver, include, path

from greenroom.web.sandbox import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.console, name="sandbox"),
    path("state.json", views.state_json, name="sandbox_state"),
    path("clock", views.move_clock, name="sandbox_clock"),
    path("faults", views.arm_fault, name="sandbox_faults"),
    path("clock/step/", views.step_clock, name="sandbox_step"),
    path("faults/arm/", views.arm_from_console, name="sandbox_arm"),
    path("guild/", views.guild, name="sandbox_guild"),
    path("channels/<str:guild_id>/<str:channel_id>", views.channel, name="sandbox_channel"),
    path("mailbox/", views.mailbox, name="sandbox_mailbox"),
    path("mailbox/<int:pk>/", views.mail, name="sandbox_mail"),
    path("disputes/", views.act_on_dispute, name="sandbox_disputes"),
    path("pay/", include("greenroom.integrations.stripe.sandbox.urls")),
]
