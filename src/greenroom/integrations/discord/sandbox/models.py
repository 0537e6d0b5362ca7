"""The simulated Discord's rows. Primary keys are snowflakes, minted by `snowflakes.mint`."""

from django.db import models


class SandboxUser(models.Model):
    """A Discord account: a person, or our bot."""

    id = models.BigIntegerField(primary_key=True)
    username = models.CharField(max_length=32, unique=True)
    display_name = models.CharField(max_length=32)
    is_bot = models.BooleanField(default=False)
    accepts_messages = models.BooleanField(default=True)

    def __str__(self) -> str:
        """Return what people see."""
        return self.display_name


class SandboxGuild(models.Model):
    """A Discord server."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=100)
    owner = models.ForeignKey(SandboxUser, on_delete=models.PROTECT, related_name="+")


class SandboxRole(models.Model):
    """A role; @everyone has the guild's id and position 0. A managed role belongs to a bot."""

    id = models.BigIntegerField(primary_key=True)
    guild = models.ForeignKey(SandboxGuild, on_delete=models.CASCADE, related_name="roles")
    name = models.CharField(max_length=100)
    permissions = models.BigIntegerField(default=0)
    position = models.PositiveIntegerField(default=1)
    is_managed = models.BooleanField(default=False)


class SandboxMember(models.Model):
    """A person in a guild, with their roles (@everyone goes without saying)."""

    guild = models.ForeignKey(SandboxGuild, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(SandboxUser, on_delete=models.CASCADE, related_name="memberships")
    roles = models.ManyToManyField(SandboxRole, related_name="members")
    joined_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["guild", "user"], name="discord_sandbox_one_membership_per_guild"),
        ]


class SandboxBan(models.Model):
    """A person who may not come back."""

    guild = models.ForeignKey(SandboxGuild, on_delete=models.CASCADE, related_name="bans")
    user = models.ForeignKey(SandboxUser, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["guild", "user"], name="discord_sandbox_one_ban_per_person"),
        ]


class SandboxChannel(models.Model):
    """A channel of a guild, or a direct message channel (which has a recipient and no guild)."""

    id = models.BigIntegerField(primary_key=True)
    guild = models.ForeignKey(SandboxGuild, on_delete=models.CASCADE, null=True, related_name="channels")
    type = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100, blank=True)
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    recipient = models.OneToOneField(SandboxUser, on_delete=models.CASCADE, null=True, related_name="dm_channel")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(guild__isnull=False, recipient__isnull=True)
                | models.Q(guild__isnull=True, recipient__isnull=False),
                name="discord_sandbox_channel_is_in_a_guild_or_direct",
            ),
        ]


class SandboxOverwrite(models.Model):
    """One permission overwrite: of a role (type 0) or a member (type 1)."""

    channel = models.ForeignKey(SandboxChannel, on_delete=models.CASCADE, related_name="overwrites")
    target_type = models.PositiveSmallIntegerField()
    target_id = models.BigIntegerField()
    allow = models.BigIntegerField(default=0)
    deny = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "target_id"], name="discord_sandbox_one_overwrite_per_target"),
        ]


class SandboxVoiceState(models.Model):
    """Who is connected to which voice channel; in one place at a time."""

    member = models.OneToOneField(SandboxMember, on_delete=models.CASCADE, related_name="voice_state")
    channel = models.ForeignKey(SandboxChannel, on_delete=models.CASCADE, related_name="voice_states")


class SandboxMessage(models.Model):
    """A message; `nonce` lets its sender repeat it without doubling it."""

    id = models.BigIntegerField(primary_key=True)
    channel = models.ForeignKey(SandboxChannel, on_delete=models.CASCADE, related_name="messages")
    author = models.ForeignKey(SandboxUser, on_delete=models.CASCADE, related_name="+")
    content = models.CharField(max_length=2000)
    nonce = models.CharField(max_length=25, blank=True)


class SandboxAuditEntry(models.Model):
    """One line of the guild's audit log; the time is in the id."""

    id = models.BigIntegerField(primary_key=True)
    guild = models.ForeignKey(SandboxGuild, on_delete=models.CASCADE, related_name="audit_entries")
    user_id = models.BigIntegerField()
    target_id = models.BigIntegerField()
    action = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=512, blank=True)

    class Meta:
        indexes = [models.Index(fields=["guild", "action", "id"], name="discord_sandbox_audit")]
        verbose_name_plural = "sandbox audit entries"


class SandboxAuthorization(models.Model):
    """What one person allowed our application, from their consent until it is revoked (then the row is gone)."""

    user = models.ForeignKey(SandboxUser, on_delete=models.CASCADE, related_name="authorizations")
    scopes = models.CharField(max_length=200)


class SandboxCode(models.Model):
    """An authorization code, kept as a hash: good once, for a minute, for whoever knows the PKCE verifier."""

    digest = models.CharField(max_length=64, unique=True)
    authorization = models.ForeignKey(SandboxAuthorization, on_delete=models.CASCADE, related_name="codes")
    redirect_uri = models.CharField(max_length=500)
    challenge = models.CharField(max_length=128)
    expires_at = models.DateTimeField()


class SandboxTokenPair(models.Model):
    """An access and a refresh token, kept as hashes. Refreshing replaces the row."""

    authorization = models.ForeignKey(SandboxAuthorization, on_delete=models.CASCADE, related_name="token_pairs")
    access_digest = models.CharField(max_length=64, unique=True)
    refresh_digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
