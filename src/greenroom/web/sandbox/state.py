"""Everything a test from outside needs to know of the demo, as plain values."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from greenroom.accounts.models import User
from greenroom.catalog.models import Offer
from greenroom.catalog.queries import price_of, priced, public_offers
from greenroom.coaches.models import Coach
from greenroom.coaches.queries import public_coaches
from greenroom.core import clock
from greenroom.core.instants import iso
from greenroom.integrations.mail.sandbox.models import DeliveredMail
from greenroom.integrations.stripe.sandbox.queries import payment_states

_MOST_MAILS = 500


def state() -> dict[str, Any]:
    """Return clock, secrets of the sandbox, coaches, people, mailbox and payments, the oldest first."""
    discord = settings.DISCORD
    return {
        "now": iso(clock.now()),
        "cron_secret": settings.CRON_SECRET,
        "coaches": [_coach(coach) for coach in public_coaches().select_related("user").order_by("pk")],
        "users": [_user(user) for user in _users()],
        "discord": {name: getattr(discord, name) for name in ("api_base", "guild_id", "bot_token")},
        "mailbox": [_mail(mail) for mail in _latest_mails()],
        "payments": payment_states(now=clock.now()),
    }


def role_of(user: User) -> str:
    """Return the strongest role of a person."""
    if user.is_staff:
        return "admin"
    return "coach" if hasattr(user, "coach") else "student"


def _users() -> QuerySet[User]:
    return User.objects.select_related("coach", "discord_identity").order_by("pk")


def _user(user: User) -> dict[str, Any]:
    identity = getattr(user, "discord_identity", None)
    return {
        "email": user.email,
        "role": role_of(user),
        "discord_user_id": identity.discord_user_id if identity else None,
    }


def _coach(coach: Coach) -> dict[str, Any]:
    offers = public_offers().filter(coach=coach)
    return {
        "slug": coach.slug,
        "time_zone": coach.user.time_zone,
        "offers": [_offer(offer) for offer in priced(offers)],
    }


def _offer(offer: Offer) -> dict[str, Any]:
    duration = offer.durations.all()[0]
    return {
        "slug": offer.slug,
        "duration": duration.minutes,
        "price_minor": price_of(offer, duration).amount.minor,
        "currency": offer.currency,
        "discord": offer.discord_requirement,
    }


def _latest_mails() -> list[DeliveredMail]:
    return list(DeliveredMail.objects.order_by("-pk")[:_MOST_MAILS])[::-1]


def _mail(mail: DeliveredMail) -> dict[str, Any]:
    return {
        "to": mail.to,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "sent_at": iso(mail.sent_at),
        "attachments": mail.attachments,
    }
