"""Users, their linked Discord identities, and what is needed for a short while to sign in and to link."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from greenroom.accounts.paths import LONGEST_PATH
from greenroom.accounts.types import LinkProblem, LinkState, MailedSecret
from greenroom.core import clock
from greenroom.core.fields import EncryptedTextField
from greenroom.core.ids import REF_LENGTH, new_ref


class UserManager(BaseUserManager["User"]):
    """Makes users the one way: a lower-cased address, and no usable password unless one is given."""

    def create_user(self, email: str, password: str | None = None, **values: Any) -> "User":  # noqa: ANN401 -- field values
        """Create a person. Raises: IntegrityError when the address is taken."""
        user = self.model(email=email.strip().lower(), **values)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **values: Any) -> "User":  # noqa: ANN401 -- field values
        """Create an admin who may do everything in the stock admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **values)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find by address whatever its case, as people type it."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail address. Booking as a guest makes one that its owner can claim by a mailed code.

    Until an account is claimed it can be signed in to by nobody: it has no usable password, and its address is
    not verified.
    """

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64, default="UTC")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower(F("email"))), name="users_have_lower_case_email"),
        ]

    def __str__(self) -> str:
        """Return the address."""
        return self.email


class DiscordIdentity(models.Model):
    """A Discord account that somebody proved to own by signing in there.

    `user` is empty while it belongs to a guest whose booking made no account yet. Tokens are encrypted at rest.
    """

    discord_user_id = models.CharField(max_length=20, unique=True)
    username = models.CharField(max_length=100)
    user = models.OneToOneField(User, null=True, blank=True, on_delete=models.CASCADE, related_name="discord_identity")
    access_token = EncryptedTextField(blank=True)
    refresh_token = EncryptedTextField(blank=True)
    token_expires_at = models.DateTimeField(null=True, blank=True)
    scopes = models.CharField(max_length=200, blank=True)
    linked_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "Discord identities"

    def __str__(self) -> str:
        """Return the name Discord shows."""
        return self.username


class LinkAttempt(models.Model):
    """One try to link a Discord account, from the button to the answer.

    It is for a booking (`booking_id` refers to a row of a higher app), for a user's account, or for both: a booking
    of somebody who is signed in. Of the OAuth state and of the browser's cookie only digests are kept, so that a
    copy of the database opens nothing; PKCE verifier and code are encrypted and go when they were used.
    """

    ref = models.CharField(max_length=REF_LENGTH, unique=True, default=new_ref)
    state_digest = models.CharField(max_length=64, unique=True)
    browser_digest = models.CharField(max_length=64)
    code_verifier = EncryptedTextField(blank=True)
    oauth_code = EncryptedTextField(blank=True)
    booking_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    identity = models.ForeignKey(DiscordIdentity, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    return_path = models.CharField(max_length=LONGEST_PATH)
    state = models.CharField(
        max_length=16, choices=[(state.value, state.value) for state in LinkState], default=LinkState.STARTED
    )
    problem = models.CharField(
        max_length=20, blank=True, choices=[(problem.value, problem.value) for problem in LinkProblem]
    )
    code_digest = models.CharField(max_length=64, blank=True)
    code_tries = models.PositiveSmallIntegerField(default=0)
    code_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[*LinkState]), name="link_attempts_state_is_known"),
            models.CheckConstraint(
                condition=Q(booking_id__isnull=False) | Q(user__isnull=False),
                name="link_attempts_are_for_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state=LinkState.FAILED, problem__in=[*LinkProblem])
                | (~Q(state=LinkState.FAILED) & Q(problem="")),
                name="link_attempts_that_failed_say_why",
            ),
            models.CheckConstraint(
                condition=~Q(state=LinkState.NEEDS_CODE) | Q(code_expires_at__isnull=False),
                name="link_attempts_that_need_a_code_say_until_when",
            ),
        ]

    def __str__(self) -> str:
        """Return the reference."""
        return self.ref


class Revocation(models.Model):
    """An authorisation at Discord that has to end because nobody here needs it any more."""

    discord_user_id = models.CharField(max_length=20)
    token = EncryptedTextField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return whose authorisation it is."""
        return self.discord_user_id


class MailedCode(models.Model):
    """A code on its way by mail, or the word that there is none to send. Encrypted, and deleted once it is over.

    The code has to survive until the mail went out, which may take several tries; the message itself keeps only
    the subject, and that never holds the code.
    """

    purpose = models.CharField(max_length=40, choices=[(purpose.value, purpose.value) for purpose in MailedSecret])
    code = EncryptedTextField(blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=[*MailedSecret]), name="mailed_codes_purpose_is_known"),
        ]

    def __str__(self) -> str:
        """Return what it is for."""
        return self.purpose
