"""Writes the guild's audit log."""

from greenroom.core import clock
from greenroom.integrations.discord.sandbox.models import SandboxAuditEntry, SandboxGuild
from greenroom.integrations.discord.sandbox.snowflakes import mint
from greenroom.integrations.discord.types import AuditAction


def log_action(guild: SandboxGuild, action: AuditAction, *, by: int, target_id: int, reason: str = "") -> None:
    """Add a line: user `by` did `action` to `target_id`. Runs inside the caller's transaction."""
    SandboxAuditEntry.objects.create(
        pk=mint(clock.now()), guild=guild, action=action, user_id=by, target_id=target_id, reason=reason
    )
