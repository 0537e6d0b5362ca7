"""Accounts that come into being by booking, and how their owners claim them."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from greenroom.accounts.models import User
from greenroom.core import audit
from greenroom.core.actors import Actor, ActorKind


def claimable_user(*, email: str, name: str, tz: str) -> User:
    """Return the account of an address, or make one that its owner can claim by a mailed code.

    Runs in the caller's transaction. An existing account is not touched: not its name, not its zone. A new one
    has no usable password and no verified address, so nobody can sign in to it without reading the mail.
    """
    user, _made = User.objects.get_or_create(
        email=email.strip().lower(), defaults={"name": name, "time_zone": tz, "password": "!"}
    )
    return user


def claim_account(*, user: User, now: datetime) -> bool:
    """Note that somebody who reads the account's mail signed in: the address is verified from now on.

    A second call changes nothing. Returns whether the account was claimed by this call.
    """
    with transaction.atomic():
        address, _made = EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})
        claimed = EmailAddress.objects.filter(pk=address.pk, verified=False).update(verified=True, primary=True)
        if claimed:
            actor = Actor(ActorKind.STUDENT, user.pk)
            audit.record(actor=actor, action="account.claim", target=user, now=now)
    return bool(claimed)


def change_email(*, user: User, email: str, actor: Actor, now: datetime) -> None:
    """Give an account another address; the former one, verified or not, opens it no more.

    Raises: IntegrityError when the address is taken. Runs in the caller's transaction, or in its own.
    """
    with transaction.atomic():
        before, user.email = user.email, email.strip().lower()
        user.save(update_fields=["email"])
        EmailAddress.objects.filter(user=user).delete()
        audit.record(
            actor=actor,
            action="account.change_email",
            target=user,
            now=now,
            before={"email": before},
            after={"email": user.email},
        )
