from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from django import forms
from django.core.validators import RegexValidator

from greenroom.accounts.limits import CODES_TO_EMAIL, CODES_TO_EMAIL_A_DAY
from greenroom.core import clock
from greenroom.core.errors import RateLimitedError
from greenroom.core.ratelimit import take

EMAIL_LABEL = "E-mail address"
_CODE_ATTRIBUTES = {"inputmode": "numeric", "autocomplete": "one-time-code", "spellcheck": "false"}
_PASSWORD_HELP = "Ten characters or more. Several words are easier to remember than signs."  # noqa: S105 -- a sentence


class SignInForm(allauth.LoginForm):  # type: ignore[misc]  # allauth is untyped
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_plainly(self, {"login": EMAIL_LABEL, "password": "Password"})
        self.fields["password"].help_text = ""


class _AsksForCode(forms.Form):
    """A form whose address gets a code by mail: so many in a while, and no more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_plainly(self, {"email": EMAIL_LABEL})

    def clean_email(self) -> str:
        email: str = super().clean_email()  # type: ignore[misc]  # of the form beside it
        _take_code(email)
        return email


class RequestCodeForm(_AsksForCode, allauth.RequestLoginCodeForm):  # type: ignore[misc]  # allauth is untyped
    """Sign in with a code instead of a password."""


class ConfirmCodeForm(allauth.ConfirmLoginCodeForm):  # type: ignore[misc]  # allauth is untyped
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_plainly(self, {"code": "Code from the mail"})
        self.fields["code"].widget.attrs |= _CODE_ATTRIBUTES
        self.fields["code"].max_length = 20


class ResetPasswordForm(_AsksForCode, allauth.ResetPasswordForm):  # type: ignore[misc]  # allauth is untyped
    """Prove the address before a new password is set."""


class NewPasswordForm(allauth.ResetPasswordKeyForm):  # type: ignore[misc]  # allauth is untyped
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_plainly(self, {"password1": "New password", "password2": "New password again"})
        self.fields["password1"].help_text = _PASSWORD_HELP


class SetPasswordForm(allauth.SetPasswordForm):  # type: ignore[misc]  # allauth is untyped
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_plainly(self, {"password1": "Password", "password2": "Password again"})
        self.fields["password1"].help_text = _PASSWORD_HELP


class ChangePasswordForm(allauth.ChangePasswordForm):  # type: ignore[misc]  # allauth is untyped
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        labels = {"oldpassword": "Current password", "password1": "New password", "password2": "New password again"}
        _say_plainly(self, labels)
        self.fields["oldpassword"].help_text = ""
        self.fields["password1"].help_text = _PASSWORD_HELP


class DiscordCodeForm(forms.Form):
    code = forms.CharField(
        label="Code from the mail",
        max_length=20,
        validators=[RegexValidator(r"\A[0-9]{6}\Z", "The code has six digits.")],
        widget=forms.TextInput(attrs=_CODE_ATTRIBUTES),
    )


def _say_plainly(form: forms.Form, labels: dict[str, str]) -> None:
    """Put our words to allauth's fields; a label says it all, placeholders only hide what was typed."""
    for name, label in labels.items():
        form.fields[name].label = label
        form.fields[name].widget.attrs.pop("placeholder", None)


def _take_code(email: str) -> None:
    now = clock.now()
    try:
        take(CODES_TO_EMAIL, email, now=now)
        take(CODES_TO_EMAIL_A_DAY, email, now=now)
    except RateLimitedError as error:
        raise get_adapter().validation_error("too_many_codes") from error
