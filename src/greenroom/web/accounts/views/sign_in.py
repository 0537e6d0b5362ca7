"""Signing in and out, and passwords: allauth's views under our forms and limits."""

from typing import ClassVar

from allauth.account import views as allauth
from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from greenroom.accounts.limits import (
    CODE_TRIES_BY_ADDRESS,
    CODES_BY_ADDRESS,
    PASSWORD_CHANGES,
    SIGN_INS_BY_ADDRESS,
)
from greenroom.core import clock
from greenroom.core.http import client_address
from greenroom.core.ratelimit import RateLimit, take
from greenroom.web.accounts import forms


class LimitedView:
    """Counts each POST of one network address. Raises: RateLimitedError, which becomes a page."""

    limit: ClassVar[RateLimit]

    def dispatch(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST":
            take(self.limit, self.who(request), now=clock.now())
        response: HttpResponseBase = super().dispatch(request)  # type: ignore[misc]  # a mixin
        return response

    def who(self, request: HttpRequest) -> str:
        return client_address(request)


class BeginsAnewView(LimitedView):
    """Shows its form even while a code is waited for: who mistyped the address has to be able to go back."""

    def _redirect_to_pending_stage(self, _request: HttpRequest, _stage: object) -> None:
        return None


class SignInView(BeginsAnewView, allauth.LoginView):  # type: ignore[misc]  # allauth is untyped
    limit = SIGN_INS_BY_ADDRESS
    form_class = forms.SignInForm


class RequestCodeView(BeginsAnewView, allauth.RequestLoginCodeView):  # type: ignore[misc]  # allauth is untyped
    limit = CODES_BY_ADDRESS
    form_class = forms.RequestCodeForm


class ConfirmCodeView(LimitedView, allauth.ConfirmLoginCodeView):  # type: ignore[misc]  # allauth is untyped
    limit = CODE_TRIES_BY_ADDRESS
    form_class = forms.ConfirmCodeForm


class ResetPasswordView(LimitedView, allauth.PasswordResetView):  # type: ignore[misc]  # allauth is untyped
    limit = CODES_BY_ADDRESS
    form_class = forms.ResetPasswordForm


class ConfirmResetCodeView(LimitedView, allauth.ConfirmPasswordResetCodeView):  # type: ignore[misc]  # allauth is untyped
    limit = CODE_TRIES_BY_ADDRESS
    form_class = forms.ConfirmCodeForm


class NewPasswordView(LimitedView, allauth.CompletePasswordResetView):  # type: ignore[misc]  # allauth is untyped
    limit = CODE_TRIES_BY_ADDRESS
    form_class = forms.NewPasswordForm


class _OfAccount(LimitedView):
    limit = PASSWORD_CHANGES

    def who(self, request: HttpRequest) -> str:
        return str(request.user.pk)


@method_decorator([login_required, never_cache], name="dispatch")
class ChangePasswordView(_OfAccount, allauth.PasswordChangeView):  # type: ignore[misc]  # allauth is untyped
    form_class = forms.ChangePasswordForm


@method_decorator([login_required, never_cache], name="dispatch")
class SetPasswordView(_OfAccount, allauth.PasswordSetView):  # type: ignore[misc]  # allauth is untyped
    form_class = forms.SetPasswordForm


# Sends strangers to our own page and refuses people who are not staff.
admin_login = secure_admin_login(admin.site.login)


def no_sign_up(request: HttpRequest) -> HttpResponse:
    return render(request, "account/signup_closed.html")


@login_required
def after_login(request: HttpRequest) -> HttpResponse:
    if getattr(request.user, "coach", None) is not None:
        return HttpResponseRedirect("/studio/")
    if request.user.is_staff:
        return HttpResponseRedirect("/admin/")
    return HttpResponseRedirect("/sessions/")
