"""The context of components/discord_card.html."""

from typing import Any

from django.urls import reverse

from greenroom.accounts.queries import DiscordCard


def card_context(
    card: DiscordCard,
    *,
    connect_url: str,
    requirement: str = "before_join",
    switch_url: str = "",
    join_server_url: str = "",
) -> dict[str, Any]:
    """Return what the card is drawn from. `connect_url` and `switch_url` are POSTed to and lead back here."""
    return {
        "state": card.state.value,
        "name": card.name,
        "problem": card.problem,
        "code_url": reverse("discord_code", args=[card.code_ref]) if card.code_ref else "",
        "requirement": requirement,
        "connect_url": connect_url,
        "switch_url": switch_url,
        "join_server_url": join_server_url,
    }
