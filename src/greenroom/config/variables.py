"""The table of every setting, of which the operator's guide has a copy: `python -m greenroom.config.variables`."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Variable:
    """One line of the settings table."""

    name: str
    text: str
    default: str = ""
    aliases: tuple[str, ...] = ()
    secret: bool = False


VARIABLES: tuple[Variable, ...] = (
    Variable("GREENROOM_MODE", "`demo`: everything outside is simulated. `production`: nothing is.", "demo"),
    Variable("PORT", "The port that `make run` listens on.", "8000"),
    Variable(
        "GREENROOM_BASE_URL",
        "The address people use, without a path. Production needs https.",
        "http://localhost:$PORT",
        ("NEXT_PUBLIC_APP_URL",),
    ),
    Variable("GREENROOM_DATA_DIR", "The folder of everything that is written.", "data"),
    Variable(
        "GREENROOM_DATABASE_URL",
        "`postgres://user:password@host/name`; empty: a SQLite file in the data folder.",
        aliases=("DATABASE_URL",),
        secret=True,
    ),
    Variable(
        "GREENROOM_SECRET_KEY",
        "Signs cookies and links; 50 random characters. The demo makes its own.",
        aliases=("SECRET_KEY",),
        secret=True,
    ),
    Variable(
        "GREENROOM_ENCRYPTION_KEYS",
        "Fernet keys, comma-separated, newest first, for secrets at rest. The demo makes its own.",
        secret=True,
    ),
    Variable("GREENROOM_ALLOWED_HOSTS", "Host names besides the base address's, comma-separated."),
    Variable(
        "GREENROOM_TRUSTED_PROXIES",
        "Addresses or networks of your own proxies, comma-separated; only they may name the client's address.",
    ),
    Variable("GREENROOM_TIME_ZONE", "The zone assumed for visitors of whom nothing is known.", "UTC"),
    Variable(
        "CRON_SECRET",
        "Bearer secret of /api/cron/process-sessions; empty closes that door. The demo makes its own.",
        secret=True,
    ),
    Variable(
        "GREENROOM_HOLD_LIMIT",
        "How often one address may hold a time in ten minutes. The demo, where everybody shares one, allows 6000.",
        "60",
    ),
    Variable(
        "GREENROOM_ARCHIVED_ROOMS",
        "How many rooms that are over are kept for reading at most, of a server's 500 channels; the oldest go first.",
        "100",
    ),
    Variable("GREENROOM_FILE_LIMIT_MB", "How big a file may be that a coach sells, in megabytes.", "200"),
    Variable("GREENROOM_TAX_PERCENT", "The tax on everything that is sold, such as `21` or `8.25`; empty: none."),
    Variable("GREENROOM_TAX_NAME", "What that tax is called.", "VAT"),
    Variable("GREENROOM_TAX_ON_TOP", "`off`: prices include the tax. `on`: it is added to them.", "off"),
    Variable(
        "GREENROOM_COMMISSION_PERCENT", "What the site keeps of each sale before tax, such as `15`; empty: nothing."
    ),
    Variable("GREENROOM_TICKER", "`on`: the server runs due work itself. `off`: workers, a command or cron do.", "on"),
    Variable(
        "GREENROOM_REDIS_URL",
        "`redis://host:6379/0`, the broker of Celery's workers; needed by them alone.",
        aliases=("CELERY_BROKER_URL", "REDIS_URL"),
        secret=True,
    ),
    Variable(
        "STRIPE_PUBLIC_KEY", "Stripe's publishable key; read and not needed yet.", aliases=("STRIPE_PUBLISHABLE_KEY",)
    ),
    Variable("STRIPE_SECRET_KEY", "Stripe's secret key.", secret=True),
    Variable(
        "STRIPE_WEBHOOK_SECRET",
        "The signing secret of a webhook endpoint made at Stripe, or two while one replaces the other, with a comma. "
        "Not needed for one made at `/ops/payments/`.",
        secret=True,
    ),
    Variable("DISCORD_CLIENT_ID", "The Discord application's id.", aliases=("NEXT_PUBLIC_DISCORD_CLIENT_ID",)),
    Variable("DISCORD_CLIENT_SECRET", "The Discord application's secret.", secret=True),
    Variable("DISCORD_BOT_TOKEN", "The bot's token.", secret=True),
    Variable("DISCORD_GUILD_ID", "The server in which rooms are made."),
    Variable(
        "DISCORD_API_BASE",
        "Where Discord's API stands; for tests against another server.",
        "https://discord.com/api/v10",
    ),
    Variable(
        "GREENROOM_FALLBACK_URL",
        "A Jitsi server where people meet when Discord fails them; `off`: nowhere.",
        "https://meet.jit.si",
    ),
    Variable("GREENROOM_SMTP_URL", "`smtp+tls://user:password@host:587`", aliases=("EMAIL_URL",), secret=True),
    Variable("GREENROOM_MAIL_FROM", "The sender of every mail.", "Greenroom <hello@localhost>"),
    Variable("GREENROOM_OPERATOR_EMAIL", "Where the operator is told of trouble."),
    Variable("GREENROOM_FAULT_POINT", "For tests, demo only: the named point at which the process kills itself."),
)


def settings_table() -> str:
    """Return the Markdown table of every variable, for the operator's guide."""
    rows = ["| setting | default | also read as | meaning |", "|---|---|---|---|"]
    for variable in VARIABLES:
        name = f"`{variable.name}`" + (f" or `{variable.name}_FILE`" if variable.secret else "")
        default = f"`{variable.default}`" if variable.default else ""
        aliases = ", ".join(f"`{alias}`" for alias in variable.aliases)
        rows.append(f"| {name} | {default} | {aliases} | {variable.text} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(settings_table())
