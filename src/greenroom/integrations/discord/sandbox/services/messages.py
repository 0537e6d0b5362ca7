"""Direct messages and messages in channels: the bot's calls, in the view's transaction, the guild locked."""

from datetime import timedelta

from greenroom.core import clock
from greenroom.integrations.discord.codes import DiscordCode
from greenroom.integrations.discord.permissions import Permission
from greenroom.integrations.discord.sandbox.errors import forbidden
from greenroom.integrations.discord.sandbox.models import (
    SandboxChannel,
    SandboxGuild,
    SandboxMember,
    SandboxMessage,
    SandboxUser,
)
from greenroom.integrations.discord.sandbox.permissions import Standing
from greenroom.integrations.discord.sandbox.snowflakes import mint
from greenroom.integrations.discord.sandbox.standing import require_in_channel
from greenroom.integrations.discord.snowflake import snowflake_at
from greenroom.integrations.discord.types import ChannelType

# Discord says "the past few minutes".
_NONCE_WINDOW = timedelta(minutes=3)


def open_dm(recipient: SandboxUser) -> SandboxChannel:
    """Open the channel between the bot and a person, or find it again. Raises: ApiError 50007 for bots."""
    if recipient.is_bot:
        raise forbidden(DiscordCode.CANNOT_MESSAGE_USER)
    channel, _ = SandboxChannel.objects.get_or_create(
        recipient=recipient, defaults={"pk": mint(clock.now()), "type": ChannelType.DM}
    )
    return channel


def send_message(
    guild: SandboxGuild, bot: Standing, channel: SandboxChannel, *, content: str, nonce: str
) -> SandboxMessage:
    """Post a message as the bot; a recent one with the same nonce is returned instead. Raises: ApiError."""
    if channel.recipient is None:
        require_in_channel(bot, channel, Permission.SEND_MESSAGES)
    else:
        _require_reachable(guild, channel.recipient)
    since = snowflake_at(clock.now() - _NONCE_WINDOW)
    if nonce:
        sent = channel.messages.filter(author_id=bot.user_id, nonce=nonce, pk__gte=since).first()
        if sent is not None:
            return sent
    return SandboxMessage.objects.create(
        pk=mint(clock.now()), channel=channel, author_id=bot.user_id, content=content, nonce=nonce
    )


def _require_reachable(guild: SandboxGuild, recipient: SandboxUser) -> None:
    if not recipient.accepts_messages:
        raise forbidden(DiscordCode.CANNOT_MESSAGE_USER)
    if not SandboxMember.objects.filter(guild=guild, user=recipient).exists():
        raise forbidden(DiscordCode.NO_MUTUAL_GUILD)
