"""What allauth asks of a project: how mail goes out, who the caller is, how often somebody may try."""

from datetime import timedelta
from typing import Any, ClassVar

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from greenroom.accounts import services
from greenroom.accounts.limits import FAILED_SIGN_INS
from greenroom.accounts.models import User
from greenroom.accounts.types import MailedSecret
from greenroom.core import clock
from greenroom.core.errors import RateLimitedError
from greenroom.core.http import client_address
from greenroom.core.ratelimit import forget, take

SIGNED_IN_AT = "signed_in_at"
_CODE_MAILS = {
    "account/email/login_code": MailedSecret.SIGN_IN,
    "account/email/password_reset_code": MailedSecret.PASSWORD_RESET,
    "account/email/unknown_account": MailedSecret.NO_ACCOUNT,
}
# Ways to sign in that took a code from the account's mail.
_PROVE_THE_ADDRESS = frozenset({"code", "password_reset"})


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is untyped
    """Nobody signs up here: accounts come by booking. Mail goes out through due rows, as all mail does."""

    error_messages: ClassVar[dict[str, Any]] = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "This e-mail address and password do not belong together.",
        "incorrect_code": "This is not the code we mailed.",
        "too_many_codes": "Too many codes were asked for. Please wait a minute and try again.",
        "too_many_login_attempts": "That was tried too often. Wait five minutes, or sign in with a mailed code.",
    }

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Return False."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the caller's address, as far as configured proxies vouch for it."""
        return client_address(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Plan the mail that allauth wants sent.

        Raises: LookupError for a mail that no offered page sends.
        """
        purpose = _CODE_MAILS.get(template_prefix)
        if purpose is None:
            raise LookupError(f"{template_prefix} is not a mail of this site.")
        lifetime = timedelta(seconds=app_settings.LOGIN_BY_CODE_TIMEOUT)
        code = str(context.get("code", ""))
        services.mail_secret(purpose=purpose, to=email, code=code, lifetime=lifetime, now=clock.now())

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:  # noqa: ANN401 -- allauth's interface
        """Count a try to sign in with a password. Raises: ValidationError when there were too many for this address."""
        del request
        try:
            take(FAILED_SIGN_INS, _email_of(credentials), now=clock.now())
        except RateLimitedError as error:
            raise self.validation_error("too_many_login_attempts") from error

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:  # noqa: ANN401 -- see above
        """Check a password; who knows it gets the tries back."""
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            forget(FAILED_SIGN_INS, _email_of(credentials))
        return user

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in under a new session key, and remember since when."""
        super().login(request, user)
        request.session[SIGNED_IN_AT] = clock.now().isoformat()

    def post_login(self, request: HttpRequest, user: User, **values: Any) -> Any:  # noqa: ANN401 -- see above
        """Claim an account whose mail was read just now."""
        records = get_authentication_records(request, user)
        if records and records[-1]["method"] in _PROVE_THE_ADDRESS and records[-1].get("email") == user.email:
            services.claim_account(user=user, now=clock.now())
        return super().post_login(request, user, **values)


def _email_of(credentials: dict[str, Any]) -> str:
    return str(credentials.get("email", "")).strip().lower()
