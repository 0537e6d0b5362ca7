"""People."""

from typing import Any

from greenroom.accounts.models import DiscordIdentity, User


def make_user(email: str = "student@example.org", **values: Any) -> User:
    """Make a person without a password."""
    return User.objects.create_user(email, name=values.pop("name", "Sam Student"), **values)


def make_admin(email: str = "admin@example.org") -> User:
    """Make a person who may do everything in the admin."""
    return User.objects.create_superuser(email, name="Ada Admin")


def make_discord_identity(*, user: User | None = None, discord_user_id: str = "200000000000000001") -> DiscordIdentity:
    """Make a linked Discord account, a guest's when no user is given."""
    return DiscordIdentity.objects.create(user=user, discord_user_id=discord_user_id, username="sam")
