"""The addresses of signing in and of connecting Discord. What allauth offers besides is not routed.

The list is added to the site's own, not included under an empty prefix: reserved words are derived from there. It
stands before the admin, whose own sign-in page it replaces.
"""

from allauth.account.views import account_inactive, logout
from django.urls import URLPattern, URLResolver, path

from greenroom.web.accounts.views import discord, sign_in

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/login/", sign_in.admin_login),
    path("account/", sign_in.after_login, name="after_login"),
    path("account/login/", sign_in.SignInView.as_view(), name="account_login"),
    path("account/login/code/", sign_in.RequestCodeView.as_view(), name="account_request_login_code"),
    path("account/login/code/confirm/", sign_in.ConfirmCodeView.as_view(), name="account_confirm_login_code"),
    path("account/logout/", logout, name="account_logout"),
    path("account/inactive/", account_inactive, name="account_inactive"),
    path("account/new/", sign_in.no_sign_up, name="account_signup"),
    path("account/password/reset/", sign_in.ResetPasswordView.as_view(), name="account_reset_password"),
    path(
        "account/password/reset/code/",
        sign_in.ConfirmResetCodeView.as_view(),
        name="account_confirm_password_reset_code",
    ),
    path("account/password/new/", sign_in.NewPasswordView.as_view(), name="account_complete_password_reset"),
    path("account/password/change/", sign_in.ChangePasswordView.as_view(), name="account_change_password"),
    path("account/password/set/", sign_in.SetPasswordView.as_view(), name="account_set_password"),
    path("discord/connect/", discord.connect, name="discord_connect"),
    path("discord/disconnect/", discord.disconnect, name="discord_disconnect"),
    path("discord/code/<str:ref>/", discord.code, name="discord_code"),
    path("api/auth/discord/callback", discord.callback, name="discord_callback"),
]
