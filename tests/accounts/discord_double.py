"""A Discord sign-in that answers as told: what the far side did is the test's to say."""

from collections.abc import Sequence
from datetime import timedelta

from greenroom.integrations.discord.protocol import ORDINARY, CallOptions
from greenroom.integrations.discord.types import DiscordUser, DiscordUserId, Tokens

ROBIN = DiscordUser(DiscordUserId(300000000000000001), "robin", "Robin")
WEEK = timedelta(days=7)


class ToldSignIn:
    """A `DiscordSignIn` for one consenting person; an error that is set is raised instead of the answer."""

    def __init__(self) -> None:
        self.user = ROBIN
        self.exchange_error: Exception | None = None
        self.user_error: Exception | None = None
        self.revoke_error: Exception | None = None
        self.exchanged: list[tuple[str, str]] = []
        self.revoked: list[str] = []
        self.states: list[str] = []

    def authorize_url(self, *, state: str, code_verifier: str, scopes: Sequence[str]) -> str:  # noqa: ARG002 -- the protocol
        self.states.append(state)
        return f"https://discord.example/oauth2/authorize?state={state}&scope={'+'.join(scopes)}"

    def exchange_code(self, code: str, *, code_verifier: str, options: CallOptions = ORDINARY) -> Tokens:  # noqa: ARG002 -- the protocol
        self.exchanged.append((code, code_verifier))
        if self.exchange_error is not None:
            raise self.exchange_error
        return self.tokens()

    def refresh(self, refresh_token: str, options: CallOptions = ORDINARY) -> Tokens:  # noqa: ARG002 -- the protocol
        return self.tokens()

    def revoke(self, token: str, options: CallOptions = ORDINARY) -> None:  # noqa: ARG002 -- the protocol
        if self.revoke_error is not None:
            raise self.revoke_error
        self.revoked.append(token)

    def user_of(self, access_token: str, options: CallOptions = ORDINARY) -> DiscordUser:  # noqa: ARG002 -- the protocol
        if self.user_error is not None:
            raise self.user_error
        return self.user

    def tokens(self) -> Tokens:
        number = len(self.exchanged)
        return Tokens(f"access-{number}", f"refresh-{number}", WEEK, frozenset({"identify", "guilds.join"}))
