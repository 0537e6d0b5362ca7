"""What Greenroom needs of Discord. Rooms and accounts depend on these protocols, never on the client itself.

Ids are snowflakes as `int`. A call that returns is done; `errors` says what each exception means. `NotFound` from a
delete means that the object is gone, which is what the caller wanted; it is raised because only the caller knows
whether somebody else should have removed it. No call may be made while a database transaction is open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from greenroom.integrations.discord.types import (
    AuditEntry,
    Channel,
    ChannelId,
    DiscordUser,
    DiscordUserId,
    Guild,
    GuildId,
    JoinResult,
    Member,
    MessageId,
    NewChannel,
    Overwrite,
    Role,
    RoleId,
    Tokens,
    VoiceState,
)

DEFAULT_BUDGET = timedelta(seconds=5)
MAX_REASON_LENGTH = 512


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How one call behaves.

    `budget`: the longest the call may spend waiting for rate limits and between attempts; a wait beyond it
    raises RateLimited instead of sleeping. `reason`: 1 to 512 characters for the guild's audit log.
    `is_closing`: the call takes access away, so it is still sent when refusals have stopped everything else.
    """

    budget: timedelta = DEFAULT_BUDGET
    reason: str | None = None
    is_closing: bool = False

    def __post_init__(self) -> None:
        if self.reason is not None and not 1 <= len(self.reason) <= MAX_REASON_LENGTH:
            raise ValueError(f"an audit log reason has 1 to {MAX_REASON_LENGTH} characters")


ORDINARY = CallOptions()


class DiscordApi(Protocol):
    """The bot's calls. Each may raise RateLimited, Unavailable, Unauthorized; what else, its docstring says.

    Changing calls may raise OutcomeUnknown. POSTs (create_*, open_dm, send_message) are never repeated after an answer
    that leaves their outcome open; the other verbs are repeated at most twice within the budget.
    """

    def current_bot(self, options: CallOptions = ORDINARY) -> DiscordUser:
        """Tell who the bot token belongs to."""
        ...

    def get_guild(self, guild_id: GuildId, options: CallOptions = ORDINARY) -> Guild:
        """Read a guild. Raises: NotFound (10004), Forbidden."""
        ...

    def list_channels(self, guild_id: GuildId, options: CallOptions = ORDINARY) -> tuple[Channel, ...]:
        """List the channels the bot can view, categories included. Raises: NotFound, Forbidden.

        Discord leaves out channels the bot has no VIEW_CHANNEL on: absence is proof only for rooms whose overwrites
        let the bot in.
        """
        ...

    def get_channel(self, channel_id: ChannelId, options: CallOptions = ORDINARY) -> Channel:
        """Read a channel. Raises: NotFound (10003), Forbidden (50001)."""
        ...

    def create_channel(self, guild_id: GuildId, channel: NewChannel, options: CallOptions = ORDINARY) -> Channel:
        """Create a channel together with its overwrites; a second call creates a second channel.

        Raises: CapacityReached, Forbidden (50013: a permission the bot lacks), BadRequest, OutcomeUnknown.
        """
        ...

    def edit_overwrites(
        self, channel_id: ChannelId, overwrites: Sequence[Overwrite], options: CallOptions = ORDINARY
    ) -> Channel:
        """Replace all overwrites of a channel in one call. People who are connected stay connected.

        Raises: NotFound (10003), Forbidden, CapacityReached, BadRequest, OutcomeUnknown.
        """
        ...

    def delete_channel(self, channel_id: ChannelId, options: CallOptions = ORDINARY) -> None:
        """Delete a channel, which ejects everybody in it. Counts as closing. Raises: NotFound (10003), Forbidden."""
        ...

    def list_roles(self, guild_id: GuildId, options: CallOptions = ORDINARY) -> tuple[Role, ...]:
        """List the guild's roles; @everyone has the guild's id. Raises: NotFound, Forbidden."""
        ...

    def get_role(self, guild_id: GuildId, role_id: RoleId, options: CallOptions = ORDINARY) -> Role:
        """Read a role. Raises: NotFound (10011), Forbidden."""
        ...

    def count_role_members(self, guild_id: GuildId, options: CallOptions = ORDINARY) -> Mapping[RoleId, int]:
        """Count who has each role; @everyone is left out. The only way to learn it without a privileged intent.

        Raises: NotFound, Forbidden.
        """
        ...

    def create_role(self, guild_id: GuildId, name: str, options: CallOptions = ORDINARY) -> Role:
        """Create a role without any permission; a second call creates a second role. Raises: CapacityReached."""
        ...

    def delete_role(self, guild_id: GuildId, role_id: RoleId, options: CallOptions = ORDINARY) -> None:
        """Delete a role. Counts as closing. Raises: NotFound (10011), Forbidden."""
        ...

    def add_member_role(
        self, guild_id: GuildId, user_id: DiscordUserId, role_id: RoleId, options: CallOptions = ORDINARY
    ) -> None:
        """Give a member a role; a second call changes nothing. Raises: NotFound, Forbidden."""
        ...

    def remove_member_role(
        self, guild_id: GuildId, user_id: DiscordUserId, role_id: RoleId, options: CallOptions = ORDINARY
    ) -> None:
        """Take a role away; a second call changes nothing. Counts as closing. Raises: NotFound, Forbidden."""
        ...

    def get_member(self, guild_id: GuildId, user_id: DiscordUserId, options: CallOptions = ORDINARY) -> Member:
        """Read a member. Raises: NotFound (10007: not in the guild, 10013: no such account)."""
        ...

    def add_member(
        self,
        guild_id: GuildId,
        user_id: DiscordUserId,
        access_token: str,
        options: CallOptions = ORDINARY,
    ) -> JoinResult:
        """Bring a person who granted guilds.join into the guild; a second call says ALREADY_MEMBER.

        Raises: TokenRevoked (50025), Forbidden (50026 scope, 40007 banned), BadRequest (30001 too many guilds).
        """
        ...

    def disconnect_member(self, guild_id: GuildId, user_id: DiscordUserId, options: CallOptions = ORDINARY) -> None:
        """Eject a member from voice. Counts as closing. Raises: BadRequest (40032: in no voice channel), NotFound."""
        ...

    def get_voice_state(self, guild_id: GuildId, user_id: DiscordUserId, options: CallOptions = ORDINARY) -> VoiceState:
        """Tell where a member is connected. Raises: NotFound (10065: in no voice channel)."""
        ...

    def list_audit_log(
        self,
        guild_id: GuildId,
        *,
        action: int | None = None,
        user_id: DiscordUserId | None = None,
        limit: int = 50,
        options: CallOptions = ORDINARY,
    ) -> tuple[AuditEntry, ...]:
        """Read the newest audit log lines, 1 to 100 of them, by action and author. Raises: Forbidden."""
        ...

    def open_dm(self, user_id: DiscordUserId, options: CallOptions = ORDINARY) -> Channel:
        """Open (or find again) the direct message channel with a person. Raises: Forbidden, BadRequest."""
        ...

    def send_message(
        self, channel_id: ChannelId, content: str, *, nonce: str, options: CallOptions = ORDINARY
    ) -> MessageId:
        """Send a message that mentions nobody. `nonce` (1 to 25 characters) lets Discord drop a quick repeat.

        Raises: Forbidden (50007: they accept no messages), OutcomeUnknown.
        """
        ...


class DiscordSignIn(Protocol):
    """The OAuth2 calls that link a person's Discord account (authorization code with PKCE S256).

    Too many at once are refused without waiting (RateLimited, one second): let the person's page try again.
    """

    def authorize_url(self, *, state: str, code_verifier: str, scopes: Sequence[str]) -> str:
        """Build the consent page's address; sends nothing. The verifier stays with us, only its hash travels."""
        ...

    def exchange_code(self, code: str, *, code_verifier: str, options: CallOptions = ORDINARY) -> Tokens:
        """Trade a code for tokens, once. Raises: TokenRevoked (bad, used or old code), OutcomeUnknown."""
        ...

    def refresh(self, refresh_token: str, options: CallOptions = ORDINARY) -> Tokens:
        """Trade a refresh token for a new pair; the old one is dead afterwards, so save before use.

        Raises: TokenRevoked, OutcomeUnknown (the old token may be dead already: ask the person to link again).
        """
        ...

    def revoke(self, token: str, options: CallOptions = ORDINARY) -> None:
        """End the whole authorisation that an access or refresh token belongs to; a second call changes nothing."""
        ...

    def user_of(self, access_token: str, options: CallOptions = ORDINARY) -> DiscordUser:
        """Tell whose access token this is. Raises: TokenRevoked."""
        ...
