"""Looking whether the bot can make rooms, before somebody needs one."""

from dataclasses import asdict
from datetime import datetime

from django.conf import settings

from greenroom.core import audit
from greenroom.core.actors import Actor
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.errors import PermanentError
from greenroom.rooms import discord, rules
from greenroom.rooms.bot_state import DatabaseBotState, fingerprint
from greenroom.rooms.discord import Connection
from greenroom.rooms.models import BotRecord, GuildReport


def examine_guild(*, now: datetime) -> GuildReport | None:
    """Look at the server through the bot's eyes and keep what is wrong with it; None when Discord is not set up.

    Five reads; replaces the earlier report. Raises: RetryableError when Discord cannot be asked now, and then the
    earlier report stays.
    """
    connection = discord.current()
    if connection is None:
        return None
    name, found = "", []
    try:
        sight = _look(connection)
        name, found = sight.guild.name, rules.examine(sight)
    except PermanentError as error:
        found = [rules.refusal(error, guild_id=connection.guild_id)]
    values = {"name": name[:100], "findings": [asdict(one) for one in found], "examined_at": now}
    with unit_of_work():
        report, _made = GuildReport.objects.update_or_create(guild_id=connection.guild_id, defaults=values)
    return report


def try_token_again(*, actor: Actor, now: datetime) -> None:
    """Use a bot token again that Discord once refused; a second refusal stops it again. An operator's button."""
    if settings.DISCORD is None:
        return
    token = settings.DISCORD.bot_token
    record = BotRecord.objects.filter(fingerprint=fingerprint(token), is_token_dead=True).first()
    if record is None:
        return
    with unit_of_work():
        DatabaseBotState(token).revive_token()
        audit.record(actor=actor, action="rooms.try_token_again", target=record, now=now)


def _look(connection: Connection) -> rules.GuildSight:
    api, guild_id = connection.api, connection.guild_id
    bot_id = connection.bot_id()
    return rules.GuildSight(
        guild=api.get_guild(guild_id),
        roles=api.list_roles(guild_id),
        bot=api.get_member(guild_id, bot_id),
        channel_count=len(api.list_channels(guild_id)),
    )
