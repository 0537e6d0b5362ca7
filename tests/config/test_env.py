import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from tests.factories.waiting import PATIENCE_SECONDS

from greenroom.config.env import Environment, Mode, SettingError, read_environment
from greenroom.config.variables import VARIABLES, settings_table
from greenroom.orders.types import TaxRule

KEY, OTHER_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()
LONG_SECRET = "s" * 32
DISCORD = {
    "DISCORD_CLIENT_ID": "1",
    "DISCORD_CLIENT_SECRET": "client-secret",
    "DISCORD_BOT_TOKEN": "bot-token",
    "DISCORD_GUILD_ID": "2",
}
STRIPE = {
    "STRIPE_PUBLIC_KEY": "pk_live_x",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
}
Read = Callable[..., Environment]


@pytest.fixture
def demo(tmp_path: Path) -> Read:
    """Read a demo's environment: an empty data folder, and what the test adds."""
    return lambda **values: read_environment({"GREENROOM_DATA_DIR": str(tmp_path / "data"), **values})


@pytest.fixture
def production(demo: Read) -> Read:
    """Read the smallest complete production environment, and what the test changes in it."""
    complete = {
        "GREENROOM_MODE": "production",
        "GREENROOM_BASE_URL": "https://coach.example",
        "GREENROOM_SECRET_KEY": LONG_SECRET,
        "GREENROOM_ENCRYPTION_KEYS": KEY,
    }
    return lambda **values: demo(**complete | values)


def test_empty_environment_is_a_demo_on_port_8000(demo: Read, tmp_path: Path) -> None:
    environment = demo()

    assert (environment.mode, environment.is_demo, environment.port) == (Mode.DEMO, True, 8000)
    assert environment.base_url == "http://localhost:8000"
    assert environment.data_dir == tmp_path / "data"
    assert environment.database["ENGINE"] == "django.db.backends.sqlite3"
    assert environment.database["NAME"] == str(tmp_path / "data" / "greenroom.sqlite3")
    assert environment.allowed_hosts == ("localhost", "localhost", "127.0.0.1")
    assert (environment.trusted_proxies, environment.time_zone) == ((), "UTC")
    assert (environment.is_ticker_on, environment.smtp, environment.operator_email) == (True, None, "")
    assert environment.mail_from == "Greenroom <hello@localhost>"
    assert (environment.stripe_secret_key, environment.fault_point) == ("", "")


def test_default_data_folder_stands_where_the_process_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert read_environment({}).data_dir == tmp_path / "data"


def test_data_folder_is_made_for_its_owner_alone(demo: Read, tmp_path: Path) -> None:
    demo()

    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_demo_talks_to_its_own_discord_on_another_origin(demo: Read) -> None:
    environment = demo(PORT="8123", **DISCORD)

    assert environment.base_url == "http://localhost:8123"
    assert environment.discord is not None
    assert environment.discord.api_base == "http://127.0.0.1:8123/sandbox/discord/api/v10"
    assert environment.discord.authorize_url == "http://127.0.0.1:8123/sandbox/discord/oauth2/authorize"
    assert environment.discord.redirect_uri == "http://localhost:8123/api/auth/discord/callback"
    assert environment.discord.bot_token.startswith("sandbox.")
    assert "client-secret" not in str(environment.discord)


def test_production_reads_what_it_was_given(production: Read) -> None:
    environment = production(
        CRON_SECRET="cron",
        DATABASE_URL="postgres://user:pa%23ss@db.example:5433/green",
        GREENROOM_ALLOWED_HOSTS="www.coach.example, coach.internal,,",
        GREENROOM_TRUSTED_PROXIES="10.0.0.0/8, 2001:db8::1",
        GREENROOM_TIME_ZONE="Europe/Berlin",
        GREENROOM_TICKER="OFF",
        GREENROOM_SMTP_URL="smtp+tls://user:password@mail.example:587",
        GREENROOM_FAULT_POINT="jobs.after_claim",
        **DISCORD,
        **STRIPE,
    )

    assert (environment.is_demo, environment.base_url) == (False, "https://coach.example")
    assert environment.allowed_hosts == (
        "coach.example",
        "localhost",
        "127.0.0.1",
        "www.coach.example",
        "coach.internal",
    )
    assert environment.database["ENGINE"] == "django.db.backends.postgresql"
    assert (environment.database["USER"], environment.database["PASSWORD"]) == ("user", "pa#ss")
    assert (environment.database["HOST"], environment.database["PORT"]) == ("db.example", 5433)
    assert (environment.database["NAME"], environment.database["CONN_HEALTH_CHECKS"]) == ("green", True)
    assert environment.trusted_proxies == ("10.0.0.0/8", "2001:db8::1")
    assert (environment.time_zone, environment.is_ticker_on) == ("Europe/Berlin", False)
    assert (environment.cron_secret, environment.secret_key) == ("cron", LONG_SECRET)
    assert environment.smtp is not None
    assert (environment.smtp["EMAIL_HOST"], environment.smtp["EMAIL_PORT"]) == ("mail.example", 587)
    assert environment.discord is not None
    assert environment.discord.bot_token == "bot-token"
    assert environment.discord.api_base == "https://discord.com/api/v10"
    assert environment.discord.redirect_uri == "https://coach.example/api/auth/discord/callback"
    assert environment.stripe_webhook_secrets == ("whsec_x",)
    assert environment.fault_point == ""  # a fault is never armed outside the demo


@pytest.mark.parametrize(
    ("values", "tax"),
    [
        ({}, None),
        ({"GREENROOM_TAX_PERCENT": "21"}, TaxRule("VAT", 2100)),
        ({"GREENROOM_TAX_PERCENT": "8.5", "GREENROOM_TAX_NAME": "GST"}, TaxRule("GST", 850)),
        ({"GREENROOM_TAX_PERCENT": "8.25", "GREENROOM_TAX_ON_TOP": "on"}, TaxRule("VAT", 825, is_on_top=True)),
    ],
)
def test_tax_is_read(production: Read, values: dict[str, str], tax: TaxRule | None) -> None:
    assert production(**values).tax == tax


def test_production_without_integrations_starts(production: Read, tmp_path: Path) -> None:
    environment = production()

    assert (environment.discord, environment.smtp, environment.cron_secret) == (None, None, "")
    assert environment.encryption_keys == (KEY,)
    assert not (tmp_path / "data" / "secrets.json").exists()


def test_several_encryption_keys_keep_their_order(production: Read) -> None:
    environment = production(GREENROOM_ENCRYPTION_KEYS=f"{OTHER_KEY}, {KEY}")

    assert environment.encryption_keys == (OTHER_KEY, KEY)


@pytest.mark.parametrize(
    ("alias", "value", "read"),
    [
        ("NEXT_PUBLIC_APP_URL", "HTTPS://alias.example/", lambda env: env.base_url == "https://alias.example"),
        ("SECRET_KEY", "a" * 40, lambda env: env.secret_key == "a" * 40),
        ("EMAIL_URL", "smtp://alias.example", lambda env: env.smtp["EMAIL_HOST"] == "alias.example"),
        ("DATABASE_URL", "postgres://alias.example/x", lambda env: env.database["HOST"] == "alias.example"),
    ],
)
def test_names_of_the_source_documents_are_read(
    production: Read, alias: str, value: str, read: Callable[[Environment], bool]
) -> None:
    own = {"NEXT_PUBLIC_APP_URL": "GREENROOM_BASE_URL", "SECRET_KEY": "GREENROOM_SECRET_KEY"}.get(alias, "")
    without = {own: ""} if own else {}

    assert read(production(**without, **{alias: value}))


def test_aliases_of_vendors_complete_their_group(production: Read) -> None:
    environment = production(
        NEXT_PUBLIC_DISCORD_CLIENT_ID="77",
        STRIPE_PUBLISHABLE_KEY="pk",
        **{name: value for name, value in DISCORD.items() if name != "DISCORD_CLIENT_ID"},
        **{name: value for name, value in STRIPE.items() if name != "STRIPE_PUBLIC_KEY"},
    )

    assert environment.discord is not None
    assert environment.discord.client_id == "77"


def test_secret_is_read_from_a_file(production: Read, tmp_path: Path) -> None:
    (tmp_path / "cron").write_text("  from-a-file-ü\n", encoding="utf-8")
    (tmp_path / "key").write_text("k" * 32, encoding="utf-8")

    environment = production(
        CRON_SECRET_FILE=f" {tmp_path / 'cron'} ", GREENROOM_SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key")
    )

    assert (environment.cron_secret, environment.secret_key) == ("from-a-file-ü", "k" * 32)


def test_precedence_is_name_then_its_file_then_the_alias(production: Read, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("f" * 32, encoding="utf-8")
    named = {"GREENROOM_SECRET_KEY": "n" * 32}
    in_file = {"GREENROOM_SECRET_KEY_FILE": str(file)}
    alias = {"SECRET_KEY": "a" * 32}
    unnamed = {"GREENROOM_SECRET_KEY": " "}

    assert production(**named, **in_file, **alias).secret_key == "n" * 32
    assert production(**unnamed, **in_file, **alias).secret_key == "f" * 32
    assert production(**unnamed, **alias).secret_key == "a" * 32


def test_only_secrets_are_read_from_files(demo: Read, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("9000", encoding="utf-8")

    assert demo(PORT_FILE=str(tmp_path / "port")).port == 8000


REFUSED_EVERYWHERE = [
    ({"GREENROOM_MODE": "prod"}, "GREENROOM_MODE is 'prod'; use demo or production."),
    ({"PORT": "0"}, "PORT is '0'; use a number from 1 to 65535."),
    ({"PORT": "65536"}, "PORT is '65536'"),
    ({"PORT": "-1"}, "PORT is '-1'"),
    ({"PORT": "80a"}, "PORT is '80a'"),
    ({"PORT": "\u00b2"}, "PORT is"),
    ({"PORT": "9" * 5000}, "PORT is '999"),
    ({"GREENROOM_BASE_URL": "coach.example"}, "GREENROOM_BASE_URL is 'coach.example'"),
    ({"GREENROOM_BASE_URL": "ftp://coach.example"}, "GREENROOM_BASE_URL is"),
    ({"GREENROOM_BASE_URL": "https://"}, "GREENROOM_BASE_URL is"),
    ({"GREENROOM_BASE_URL": "https://coach.example/app"}, "GREENROOM_BASE_URL is"),
    ({"GREENROOM_BASE_URL": "https://coach.example?x=1"}, "GREENROOM_BASE_URL is"),
    ({"GREENROOM_BASE_URL": "https://coach.example#x"}, "GREENROOM_BASE_URL is"),
    ({"GREENROOM_BASE_URL": "https://user:pw@coach.example"}, "GREENROOM_BASE_URL is"),
    ({"GREENROOM_BASE_URL": "https://[::1"}, "GREENROOM_BASE_URL is"),
    ({"GREENROOM_BASE_URL": "https://coach.example:99999"}, "GREENROOM_BASE_URL is"),
    ({"GREENROOM_TIME_ZONE": "Berlin"}, "GREENROOM_TIME_ZONE is 'Berlin'"),
    ({"GREENROOM_TIME_ZONE": "../../etc/passwd"}, "GREENROOM_TIME_ZONE is"),
    ({"GREENROOM_TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, "GREENROOM_TRUSTED_PROXIES holds 'proxy'"),
    ({"GREENROOM_TRUSTED_PROXIES": "10.0.0.1/8"}, "GREENROOM_TRUSTED_PROXIES holds '10.0.0.1/8'"),
    ({"GREENROOM_TICKER": "yes"}, "GREENROOM_TICKER is 'yes'; use on or off."),
    ({"GREENROOM_DATABASE_URL": "mysql://h/x"}, "GREENROOM_DATABASE_URL must begin with postgres://"),
    ({"GREENROOM_DATABASE_URL": "nonsense"}, "GREENROOM_DATABASE_URL"),
    ({"GREENROOM_DATABASE_URL": "postgres://u:p@h:port/x"}, "GREENROOM_DATABASE_URL"),
    ({"GREENROOM_DATABASE_URL": "postgres://[::1/x"}, "GREENROOM_DATABASE_URL"),
    ({"GREENROOM_DATA_DIR": "~nobody-has-this-name/data"}, "GREENROOM_DATA_DIR is ~nobody-has-this-name/data"),
    ({"GREENROOM_DATA_DIR": "/dev/null/data"}, "GREENROOM_DATA_DIR is /dev/null/data, which cannot be made"),
    ({"GREENROOM_SECRET_KEY": "short"}, "GREENROOM_SECRET_KEY must have at least 32"),
    ({"GREENROOM_ENCRYPTION_KEYS": "nokey"}, "GREENROOM_ENCRYPTION_KEYS holds something that is no Fernet key"),
    ({"GREENROOM_ENCRYPTION_KEYS": "schlüssel"}, "GREENROOM_ENCRYPTION_KEYS holds something"),
    ({"GREENROOM_ENCRYPTION_KEYS": " , "}, "GREENROOM_ENCRYPTION_KEYS must hold at least one"),
    ({"CRON_SECRET_FILE": "/nowhere/cron"}, "CRON_SECRET_FILE points to /nowhere/cron, which cannot be read"),
    ({"SECRET_KEY_FILE": "/", "GREENROOM_SECRET_KEY": ""}, "SECRET_KEY_FILE points to /, which cannot be read"),
    ({"DISCORD_BOT_TOKEN": "x"}, "Discord is half-configured: also set DISCORD_CLIENT_ID, DISCORD_CLIENT_SECRET"),
    ({"DISCORD_CLIENT_ID": "1", "DISCORD_GUILD_ID": "2"}, "also set DISCORD_CLIENT_SECRET, DISCORD_BOT_TOKEN, or"),
    ({"GREENROOM_TAX_PERCENT": "a lot"}, "GREENROOM_TAX_PERCENT is 'a lot'; use a number such as 21 or 8.25"),
    ({"GREENROOM_TAX_PERCENT": "0"}, "GREENROOM_TAX_PERCENT is '0'; use a number such as 21 or 8.25"),
    ({"GREENROOM_TAX_PERCENT": "100.01"}, "GREENROOM_TAX_PERCENT is '100.01'"),
    ({"GREENROOM_TAX_PERCENT": "8.255"}, "GREENROOM_TAX_PERCENT is '8.255'"),
    ({"GREENROOM_TAX_ON_TOP": "yes"}, "GREENROOM_TAX_ON_TOP is 'yes'; use on or off"),
    ({"GREENROOM_COMMISSION_PERCENT": "-1"}, "GREENROOM_COMMISSION_PERCENT is '-1'; use a number such as 21 or 8.25"),
    ({"GREENROOM_TAX_NAME": "x" * 31}, "GREENROOM_TAX_NAME is longer than 30 characters"),
    ({"STRIPE_PUBLIC_KEY": "x"}, "Stripe is half-configured: also set STRIPE_SECRET_KEY, or none of"),
    ({"STRIPE_WEBHOOK_SECRET": "x"}, "Stripe is half-configured: also set STRIPE_SECRET_KEY, or none of"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED_EVERYWHERE)
def test_bad_setting_is_named_in_production(production: Read, values: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        production(**values)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [case for case in REFUSED_EVERYWHERE if "at least one" not in case[1] and "SECRET_KEY_FILE" not in case[0]],
)
def test_bad_setting_is_named_in_the_demo(demo: Read, values: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        demo(**values)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"GREENROOM_BASE_URL": "http://coach.example"}, "GREENROOM_BASE_URL must begin with https://"),
        ({"GREENROOM_BASE_URL": ""}, "GREENROOM_BASE_URL must begin with https://"),
        ({"GREENROOM_SECRET_KEY": ""}, "GREENROOM_SECRET_KEY must have"),
        ({"GREENROOM_ENCRYPTION_KEYS": ""}, "GREENROOM_ENCRYPTION_KEYS must hold"),
        ({"GREENROOM_HOLD_LIMIT": "0"}, "GREENROOM_HOLD_LIMIT is '0'"),
        ({"GREENROOM_HOLD_LIMIT": "many"}, "GREENROOM_HOLD_LIMIT is 'many'"),
        ({"GREENROOM_HOLD_LIMIT": "9" * 5000}, "GREENROOM_HOLD_LIMIT is '999"),
        ({"GREENROOM_SMTP_URL": "nonsense"}, "GREENROOM_SMTP_URL"),
        ({"GREENROOM_SMTP_URL": "smtp://h:port"}, "GREENROOM_SMTP_URL"),
        ({"GREENROOM_REDIS_URL": "localhost:6379"}, "GREENROOM_REDIS_URL"),
        ({"GREENROOM_FALLBACK_URL": "http://video.example"}, "GREENROOM_FALLBACK_URL"),
        ({"GREENROOM_FALLBACK_URL": "javascript:alert(1)"}, "GREENROOM_FALLBACK_URL"),
    ],
)
def test_incomplete_production_is_refused(production: Read, values: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        production(**values)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"GREENROOM_DATABASE_URL": "postgres://u:hunter2@h:port/x"},
        {"GREENROOM_SMTP_URL": "smtp://u:hunter2@h:port"},
        {"GREENROOM_REDIS_URL": "amqp://u:hunter2@h"},
        {"GREENROOM_ENCRYPTION_KEYS": "hunter2"},
        {"GREENROOM_SECRET_KEY": "hunter2"},
    ],
)
def test_secrets_do_not_stand_in_messages(production: Read, values: dict[str, str]) -> None:
    with pytest.raises(SettingError) as caught:
        production(**values)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["STRIPE_SECRET_KEY", "STRIPE_PUBLIC_KEY"])
def test_live_key_in_the_demo_is_refused(demo: Read, tmp_path: Path, name: str) -> None:
    keys = {**dict.fromkeys(STRIPE, "sk_test_x"), name: "rk_live_x"}

    with pytest.raises(SettingError, match=f"{name} is a live key, and the demo simulates payments"):
        demo(**keys)

    assert not (tmp_path / "data" / "secrets.json").exists()
    assert demo(**dict.fromkeys(STRIPE, "sk_test_x")).is_demo


def test_hold_limit_is_generous_in_the_demo_alone(demo: Read, production: Read) -> None:
    assert demo().hold_limit == 6000
    assert production().hold_limit == 60
    assert production(GREENROOM_HOLD_LIMIT="5").hold_limit == 5


def test_base_address_of_ipv6_is_an_allowed_host(demo: Read) -> None:
    environment = demo(GREENROOM_BASE_URL="http://[::1]:8000")

    assert environment.base_url == "http://[::1]:8000"
    assert environment.allowed_hosts[0] == "[::1]"  # as browsers send it


@pytest.mark.parametrize("folder", ["a b", "a#b", "a?b", "a+b", "a%20b", "ä"])
def test_data_folder_of_any_name_holds_the_database(tmp_path: Path, folder: str) -> None:
    environment = read_environment({"GREENROOM_DATA_DIR": str(tmp_path / folder)})

    assert environment.database["NAME"] == str(tmp_path / folder / "greenroom.sqlite3")


def test_sqlite_takes_the_write_lock_at_once_and_syncs_fully(demo: Read) -> None:
    options = demo().database["OPTIONS"]

    assert (options["transaction_mode"], options["timeout"]) == ("IMMEDIATE", 20)
    assert "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;" in options["init_command"]


def _secrets(environment: Environment) -> tuple[Any, ...]:
    assert environment.discord is not None
    return (
        environment.secret_key,
        environment.encryption_keys,
        environment.cron_secret,
        environment.stripe_webhook_secrets,
        environment.discord.bot_token,
        environment.discord.client_secret,
    )


def test_demo_secrets_are_made_once_for_the_owner_alone(demo: Read, tmp_path: Path) -> None:
    first, second = demo(), demo()

    assert _secrets(first) == _secrets(second)
    assert all(_secrets(first))
    assert len(set(_secrets(first))) == 6
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secrets.json"]


def test_two_demos_have_different_secrets(tmp_path: Path) -> None:
    one, two = (read_environment({"GREENROOM_DATA_DIR": str(tmp_path / name)}) for name in ("one", "two"))

    assert not set(_secrets(one)) & set(_secrets(two))


def test_demo_keeps_the_secrets_it_was_given(demo: Read) -> None:
    environment = demo(GREENROOM_SECRET_KEY=LONG_SECRET, CRON_SECRET="mine", GREENROOM_ENCRYPTION_KEYS=KEY)

    assert (environment.secret_key, environment.cron_secret) == (LONG_SECRET, "mine")
    assert environment.encryption_keys == (KEY,)


def test_first_starts_at_once_agree(demo: Read, tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def start(_number: int) -> tuple[Any, ...]:
        barrier.wait(PATIENCE_SECONDS)
        return _secrets(demo())

    with ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(start, range(8)))

    assert len(seen) == 1
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secrets.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"CRON_SECRET": "x"}', '"text"', "\xff"])
def test_damaged_secrets_of_the_demo_are_named(demo: Read, tmp_path: Path, content: str) -> None:
    demo()
    path = tmp_path / "data" / "secrets.json"
    path.write_bytes(content.encode("latin-1"))

    with pytest.raises(SettingError, match=r"secrets\.json") as caught:
        demo()

    assert "GREENROOM_DATA_DIR" in str(caught.value)
    assert path.read_bytes() == content.encode("latin-1")


def test_secrets_of_the_demo_that_cannot_be_read_are_named(demo: Read, tmp_path: Path) -> None:
    (tmp_path / "data" / "secrets.json").mkdir(parents=True)

    with pytest.raises(SettingError, match=r"GREENROOM_DATA_DIR.*secrets\.json"):
        demo()

    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secrets.json"]


def test_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        folder = Path("/proc/self/task")  # not even root writes here
    else:
        folder = tmp_path / "data"
        folder.mkdir(mode=0o500)

    with pytest.raises(SettingError, match="GREENROOM_DATA_DIR"):
        read_environment({"GREENROOM_DATA_DIR": str(folder)})


def test_made_secrets_are_plain_json(demo: Read, tmp_path: Path) -> None:
    environment = demo()

    made = json.loads((tmp_path / "data" / "secrets.json").read_text(encoding="utf-8"))

    assert made["CRON_SECRET"] == environment.cron_secret
    assert made["GREENROOM_SECRET_KEY"] == environment.secret_key


def test_settings_table_lists_every_variable() -> None:
    lines = settings_table().splitlines()

    assert lines[0] == "| setting | default | also read as | meaning |"
    assert len(lines) == len(VARIABLES) + 2
    for line, variable in zip(lines[2:], VARIABLES, strict=True):
        assert line.startswith(f"| `{variable.name}`")
        assert line.count("|") == 5
        assert all(f"`{alias}`" in line for alias in variable.aliases)
        assert (f"`{variable.name}_FILE`" in line) == variable.secret
        assert variable.text.endswith((".", "`"))
    names = [name for variable in VARIABLES for name in (variable.name, *variable.aliases)]
    assert len(names) == len(set(names))


def test_operators_page_holds_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "operator" / "settings.md"

    _introduction, heading, table = page.read_text(encoding="utf-8").partition("\n## All settings\n\n")

    assert heading
    assert table == settings_table(), "refresh it: python -m greenroom.config.variables"


def test_module_prints_the_table() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "greenroom.config.variables"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )

    assert result.stdout == settings_table()


def test_nothing_else_reads_the_environment() -> None:
    package = Path(__file__).parents[2] / "src" / "greenroom"
    allowed = {
        "config/settings/base.py",
        "config/settings/test.py",
        "config/wsgi.py",
        "config/celery.py",
        "__main__.py",
    }
    allowed.add("config/management/commands/backup.py")  # hands it on to pg_dump, whole

    readers = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if "os.environ" in path.read_text(encoding="utf-8") or "getenv" in path.read_text(encoding="utf-8")
    }

    assert readers <= allowed
