"""Every setting, read from the environment into one typed object.

`variables.VARIABLES` is the whole list: docs/operator/settings.md is printed from it, and nothing else reads the
environment. A secret `NAME` may also be given as `NAME_FILE`, the path of a file that holds it. Names used by
the documents Greenroom grew from (DISCORD_BOT_TOKEN, STRIPE_SECRET_KEY, CRON_SECRET, NEXT_PUBLIC_APP_URL ...)
are read as they are.
"""

import json
import os
import re
import secrets
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from greenroom.config.variables import VARIABLES, Variable
from greenroom.orders.types import TaxRule


class SettingError(ValueError):
    """A setting is missing, malformed or half-configured; the message says which one and what to do."""


class Mode(StrEnum):
    """What this installation is for."""

    DEMO = "demo"
    PRODUCTION = "production"


_GROUPS = {
    "Stripe": ("STRIPE_SECRET_KEY",),
    "Discord": ("DISCORD_CLIENT_ID", "DISCORD_CLIENT_SECRET", "DISCORD_BOT_TOKEN", "DISCORD_GUILD_ID"),
}
# Useless without the group they belong to.
_OPTIONAL = {"Stripe": ("STRIPE_PUBLIC_KEY", "STRIPE_WEBHOOK_SECRET")}
_MIN_SECRET_LENGTH = 32
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?")
_ALL_BASIS_POINTS = 10_000
_USE_A_PERCENTAGE = "use a number such as 21 or 8.25, at most 100."
_LONGEST_TAX_NAME = 30
_MAX_PORT = 65_535
_MAX_DIGITS = 9  # Python refuses to read numbers of thousands of digits
_DEMO_HOLD_LIMIT = 6000


@dataclass(frozen=True, slots=True)
class DiscordSettings:
    """How to reach Discord, or the sandbox that stands in for it."""

    client_id: str
    client_secret: str
    bot_token: str
    guild_id: str
    api_base: str
    authorize_url: str
    redirect_uri: str
    pages_url: str


@dataclass(frozen=True, slots=True)
class Environment:
    """All settings, checked against each other."""

    mode: Mode
    port: int
    base_url: str
    data_dir: Path
    database: dict[str, Any]
    secret_key: str
    encryption_keys: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    time_zone: str
    cron_secret: str
    hold_limit: int
    archived_rooms: int
    file_limit_mb: int
    is_ticker_on: bool
    redis_url: str
    fallback_url: str
    tax: TaxRule | None
    commission_basis_points: int
    stripe_secret_key: str
    stripe_webhook_secrets: tuple[str, ...]
    discord: DiscordSettings | None
    smtp: dict[str, Any] | None
    mail_from: str
    operator_email: str
    fault_point: str

    @property
    def is_demo(self) -> bool:
        """Whether the outside is simulated."""
        return self.mode is Mode.DEMO


def read_environment(source: Mapping[str, str]) -> Environment:
    """Read and check every setting.

    Makes the data folder; in the demo it also makes the secrets that are not given and keeps them there,
    readable by the owner alone.
    Raises: SettingError naming the variable at fault.
    """
    values = {variable.name: _value(variable, source) for variable in VARIABLES}
    mode = _mode(values["GREENROOM_MODE"])
    _refuse_half_configured(values)
    port = _port(values["PORT"])
    base_url = _base_url(values["GREENROOM_BASE_URL"].replace("$PORT", str(port)), mode)
    data_dir = _data_dir(values["GREENROOM_DATA_DIR"])
    if mode is Mode.DEMO:
        _refuse_live_keys(values)
        values |= _made_secrets(data_dir, values)
    return Environment(
        mode=mode,
        port=port,
        base_url=base_url,
        data_dir=data_dir,
        database=_database(values["GREENROOM_DATABASE_URL"], data_dir),
        secret_key=_secret_key(values["GREENROOM_SECRET_KEY"]),
        encryption_keys=_encryption_keys(values["GREENROOM_ENCRYPTION_KEYS"]),
        allowed_hosts=(_host(base_url), "localhost", "127.0.0.1", *_list(values["GREENROOM_ALLOWED_HOSTS"])),
        trusted_proxies=_networks(values["GREENROOM_TRUSTED_PROXIES"]),
        time_zone=_zone(values["GREENROOM_TIME_ZONE"]),
        cron_secret=values["CRON_SECRET"],
        hold_limit=_DEMO_HOLD_LIMIT
        if mode is Mode.DEMO
        else _count("GREENROOM_HOLD_LIMIT", values["GREENROOM_HOLD_LIMIT"]),
        archived_rooms=_count("GREENROOM_ARCHIVED_ROOMS", values["GREENROOM_ARCHIVED_ROOMS"]),
        file_limit_mb=_count("GREENROOM_FILE_LIMIT_MB", values["GREENROOM_FILE_LIMIT_MB"]),
        is_ticker_on=_switch("GREENROOM_TICKER", values["GREENROOM_TICKER"]),
        redis_url=_redis_url(values["GREENROOM_REDIS_URL"]),
        fallback_url=_fallback_url(values["GREENROOM_FALLBACK_URL"]),
        tax=_tax(values),
        commission_basis_points=_percent("GREENROOM_COMMISSION_PERCENT", values["GREENROOM_COMMISSION_PERCENT"] or "0"),
        stripe_secret_key=values["STRIPE_SECRET_KEY"],
        stripe_webhook_secrets=_list(values["STRIPE_WEBHOOK_SECRET"]),
        discord=_discord(values, mode, base_url, port),
        smtp=_smtp(values["GREENROOM_SMTP_URL"]) if mode is Mode.PRODUCTION else None,
        mail_from=values["GREENROOM_MAIL_FROM"],
        operator_email=values["GREENROOM_OPERATOR_EMAIL"],
        fault_point=values["GREENROOM_FAULT_POINT"] if mode is Mode.DEMO else "",
    )


def _value(variable: Variable, source: Mapping[str, str]) -> str:
    for name in (variable.name, *variable.aliases):
        if source.get(name, "").strip():
            return source[name].strip()
        path = source.get(f"{name}_FILE", "").strip()
        if path and variable.secret:
            return _secret_file(f"{name}_FILE", path)
    return variable.default


def _secret_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{name} points to {path}, which cannot be read.") from error


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise SettingError(f"GREENROOM_MODE is {text!r}; use demo or production.") from None


def _port(text: str) -> int:
    if not text.isdecimal() or len(text) > _MAX_DIGITS or not 0 < int(text) <= _MAX_PORT:
        raise SettingError(f"PORT is {text!r}; use a number from 1 to {_MAX_PORT}.")
    return int(text)


def _base_url(text: str, mode: Mode) -> str:
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, half a bracket
        is_address = False
    if not is_address or text.rstrip("/").lower() != f"{parts.scheme}://{parts.netloc}".lower() or "@" in parts.netloc:
        raise SettingError(f"GREENROOM_BASE_URL is {text!r}; use an address such as https://coach.example.")
    if mode is Mode.PRODUCTION and parts.scheme != "https":
        raise SettingError("GREENROOM_BASE_URL must begin with https:// in production.")
    return f"{parts.scheme}://{parts.netloc}"


def _host(base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    return f"[{host}]" if ":" in host else host  # the form of IPv6 in a Host header (RFC 3986, 3.2.2)


def _data_dir(text: str) -> Path:
    try:
        path = Path(text).expanduser().resolve()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: ~somebody who does not exist
        raise SettingError(f"GREENROOM_DATA_DIR is {text}, which cannot be made: {error}.") from error
    return path


def _refuse_half_configured(values: Mapping[str, str]) -> None:
    for vendor, names in _GROUPS.items():
        missing = [name for name in names if not values[name]]
        known = (*names, *_OPTIONAL.get(vendor, ()))
        if missing and any(values[name] for name in known):
            raise SettingError(f"{vendor} is half-configured: also set {', '.join(missing)}, or none of {known}.")


def _refuse_live_keys(values: Mapping[str, str]) -> None:
    for name in ("STRIPE_SECRET_KEY", "STRIPE_PUBLIC_KEY"):
        if "_live_" in values[name]:
            raise SettingError(f"{name} is a live key, and the demo simulates payments. Set GREENROOM_MODE=production.")


def _made_secrets(data_dir: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Return demo secrets, made once: the file is created exclusively, so two first starts agree."""
    path = data_dir / "secrets.json"
    made = {
        "GREENROOM_SECRET_KEY": secrets.token_urlsafe(48),
        "GREENROOM_ENCRYPTION_KEYS": Fernet.generate_key().decode("ascii"),
        "CRON_SECRET": secrets.token_urlsafe(24),
        "DISCORD_BOT_TOKEN": f"sandbox.{secrets.token_urlsafe(24)}",
        "DISCORD_CLIENT_SECRET": secrets.token_urlsafe(24),
        "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_urlsafe(24)}",
    }
    try:
        made = _kept_secrets(path, made)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SettingError(
            f"GREENROOM_DATA_DIR holds no usable secrets.json ({error}). Delete that file to have new secrets made."
        ) from error
    sandboxed = ("DISCORD_BOT_TOKEN", "DISCORD_CLIENT_SECRET", "STRIPE_WEBHOOK_SECRET")
    return {name: value for name, value in made.items() if name in sandboxed or not values[name]}


def _kept_secrets(path: Path, made: dict[str, str]) -> dict[str, str]:
    staged = path.with_name(f"secrets.{secrets.token_hex(8)}.tmp")
    with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file)
    try:
        os.link(staged, path)
    except FileExistsError:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {name: kept[name] for name in made}
    finally:
        staged.unlink()
    return made


def _secret_key(text: str) -> str:
    if len(text) < _MIN_SECRET_LENGTH:
        raise SettingError(f"GREENROOM_SECRET_KEY must have at least {_MIN_SECRET_LENGTH} random characters.")
    return text


def _encryption_keys(text: str) -> tuple[str, ...]:
    keys = _list(text)
    if not keys:
        raise SettingError("GREENROOM_ENCRYPTION_KEYS must hold at least one Fernet key.")
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise SettingError("GREENROOM_ENCRYPTION_KEYS holds something that is no Fernet key.") from None
    return keys


def _tax(values: Mapping[str, str]) -> TaxRule | None:
    text = values["GREENROOM_TAX_PERCENT"]
    is_on_top = _switch("GREENROOM_TAX_ON_TOP", values["GREENROOM_TAX_ON_TOP"])
    name = values["GREENROOM_TAX_NAME"]
    if len(name) > _LONGEST_TAX_NAME:
        raise SettingError(f"GREENROOM_TAX_NAME is longer than {_LONGEST_TAX_NAME} characters.")
    if not text:
        return None
    basis_points = _percent("GREENROOM_TAX_PERCENT", text)
    if not basis_points:
        raise SettingError(f"GREENROOM_TAX_PERCENT is {text!r}; {_USE_A_PERCENTAGE}")
    return TaxRule(name, basis_points, is_on_top)


def _percent(name: str, text: str) -> int:
    """Return a percentage in basis points."""
    found = _PERCENT.fullmatch(text)
    basis_points = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else -1
    if not 0 <= basis_points <= _ALL_BASIS_POINTS:
        raise SettingError(f"{name} is {text!r}; {_USE_A_PERCENTAGE}")
    return basis_points


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[str, ...]:
    for network in _list(text):
        try:
            ip_network(network)
        except ValueError:
            raise SettingError(
                f"GREENROOM_TRUSTED_PROXIES holds {network!r}, which is no address or network."
            ) from None
    return _list(text)


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise SettingError(f"GREENROOM_TIME_ZONE is {text!r}; use a name such as Europe/Berlin.")
    return text


def _count(name: str, text: str) -> int:
    if not text.isdecimal() or len(text) > _MAX_DIGITS or int(text) < 1:
        raise SettingError(f"{name} is {text!r}; use a whole number from 1.")
    return int(text)


def _switch(name: str, text: str) -> bool:
    if text.lower() not in {"on", "off"}:
        raise SettingError(f"{name} is {text!r}; use on or off.")
    return text.lower() == "on"


def _database(text: str, data_dir: Path) -> dict[str, Any]:
    if not text:
        config: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(data_dir / "greenroom.sqlite3")}
    else:
        config = _url("GREENROOM_DATABASE_URL", text, environ.Env.db_url_config)
    engine = str(config.get("ENGINE", "")).rsplit(".", 1)[-1]
    if engine == "sqlite3":
        return config | {"CONN_MAX_AGE": None, "OPTIONS": _SQLITE_OPTIONS}
    if engine == "postgresql":
        return config | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    raise SettingError("GREENROOM_DATABASE_URL must begin with postgres:// (or be empty for SQLite).")


# Measured with many writers: without IMMEDIATE nine in ten fail as "locked"; FULL costs 7 % over NORMAL and
# keeps the last commits through a power cut.
_SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA mmap_size=134217728;"
        "PRAGMA cache_size=-20000;PRAGMA temp_store=MEMORY;PRAGMA journal_size_limit=67108864;"
    ),
}


def _smtp(text: str) -> dict[str, Any] | None:
    return _url("GREENROOM_SMTP_URL", text, environ.Env.email_url_config) if text else None


def _fallback_url(text: str) -> str:
    if text == "off":
        return ""
    if not text.startswith("https://"):
        raise SettingError("GREENROOM_FALLBACK_URL must begin with https://, or be off.")
    return text.rstrip("/")


def _redis_url(text: str) -> str:
    if text and not text.startswith(("redis://", "rediss://")):
        raise SettingError("GREENROOM_REDIS_URL must begin with redis:// or rediss://.")
    return text


def _url(name: str, text: str, read: Callable[[str], Mapping[str, Any]]) -> dict[str, Any]:
    """Read an address that may hold a password, so that no message shows it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns with the parts of the address
            return dict(read(text))
    except (ValueError, ImproperlyConfigured):
        raise SettingError(f"{name} cannot be read; compare it with the example in the table of settings.") from None


def _discord(values: Mapping[str, str], mode: Mode, base_url: str, port: int) -> DiscordSettings | None:
    redirect_uri = f"{base_url}/api/auth/discord/callback"
    if mode is Mode.DEMO:
        # The sandbox stands on another origin than the site (127.0.0.1, not localhost), as Discord does.
        sandbox = f"http://127.0.0.1:{port}/sandbox/discord"
        return DiscordSettings(
            client_id="100000000000000001",
            client_secret=values["DISCORD_CLIENT_SECRET"],
            bot_token=values["DISCORD_BOT_TOKEN"],
            guild_id="100000000000000002",
            api_base=f"{sandbox}/api/v10",
            authorize_url=f"{sandbox}/oauth2/authorize",
            redirect_uri=redirect_uri,
            pages_url=f"{base_url}/sandbox/channels",
        )
    if not values["DISCORD_BOT_TOKEN"]:
        return None
    return DiscordSettings(
        client_id=values["DISCORD_CLIENT_ID"],
        client_secret=values["DISCORD_CLIENT_SECRET"],
        bot_token=values["DISCORD_BOT_TOKEN"],
        guild_id=values["DISCORD_GUILD_ID"],
        api_base=values["DISCORD_API_BASE"],
        authorize_url="https://discord.com/oauth2/authorize",
        redirect_uri=redirect_uri,
        pages_url="https://discord.com/channels",
    )
