"""The Discord sandbox as a Django app."""

from django.apps import AppConfig


class DiscordSandboxConfig(AppConfig):
    """Registers the sandbox's rows."""

    name = "greenroom.integrations.discord.sandbox"
    label = "discord_sandbox"
