import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection
from django.db.models import F
from django.test import override_settings
from tests.factories.accounts import make_discord_identity

from greenroom.accounts.models import DiscordIdentity
from greenroom.core.fields import EncryptedTextField, decrypt, encrypt

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
TOKEN = "tok-ünï-✓"


def _stored(identity: DiscordIdentity) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM accounts_discordidentity WHERE id = %s", [identity.pk])
        return str(cursor.fetchone()[0])


def _with_token(text: str = TOKEN) -> DiscordIdentity:
    identity = make_discord_identity()
    identity.access_token = text
    identity.save()
    return identity


def test_encrypt_and_decrypt_are_inverse_and_never_repeat() -> None:
    assert decrypt(encrypt(TOKEN)) == TOKEN
    assert encrypt(TOKEN) != encrypt(TOKEN)


@pytest.mark.django_db
def test_field_is_ciphertext_in_the_database_and_text_in_python() -> None:
    identity = _with_token()

    stored = _stored(identity)
    assert TOKEN not in stored
    assert decrypt(stored) == TOKEN
    assert DiscordIdentity.objects.get().access_token == TOKEN
    assert DiscordIdentity.objects.values_list("access_token", flat=True).get() == TOKEN


@pytest.mark.django_db
def test_field_written_in_bulk_is_ciphertext() -> None:
    identity = _with_token("")
    identity.access_token = "by bulk_update"
    DiscordIdentity.objects.bulk_update([identity], ["access_token"])
    assert decrypt(_stored(identity)) == "by bulk_update"

    DiscordIdentity.objects.update(access_token="by update")
    assert decrypt(_stored(identity)) == "by update"

    DiscordIdentity.objects.update(refresh_token=F("access_token"))
    assert DiscordIdentity.objects.get().refresh_token == "by update"


@pytest.mark.django_db
def test_empty_field_stays_empty() -> None:
    identity = _with_token("")

    assert _stored(identity) == ""
    assert DiscordIdentity.objects.get().access_token == ""


@pytest.mark.django_db
def test_rotated_key_still_reads_and_the_new_one_writes() -> None:
    with override_settings(ENCRYPTION_KEYS=(OLD,)):
        identity = _with_token()

    with override_settings(ENCRYPTION_KEYS=(NEW, OLD)):
        assert DiscordIdentity.objects.get().access_token == TOKEN
        DiscordIdentity.objects.get().save()

    assert Fernet(NEW).decrypt(_stored(identity)).decode() == TOKEN
    with override_settings(ENCRYPTION_KEYS=(NEW,)):
        assert DiscordIdentity.objects.get().access_token == TOKEN


@pytest.mark.django_db
def test_wrong_key_is_an_error_and_no_empty_value() -> None:
    with override_settings(ENCRYPTION_KEYS=(OLD,)):
        _with_token()

    with override_settings(ENCRYPTION_KEYS=(OTHER,)), pytest.raises(ImproperlyConfigured, match="fits none"):
        DiscordIdentity.objects.get()


@pytest.mark.parametrize("stored", ["not a token", "gAAAAA", "klartext-ü", "\ud800"])
def test_decrypt_of_what_was_never_encrypted_is_an_error(stored: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="fits none of GREENROOM_ENCRYPTION_KEYS"):
        decrypt(stored)


def test_encrypt_without_any_key_is_an_error() -> None:
    with override_settings(ENCRYPTION_KEYS=()), pytest.raises(ImproperlyConfigured, match="GREENROOM_ENCRYPTION_KEYS"):
        encrypt(TOKEN)


@pytest.mark.parametrize("lookup", ["exact", "iexact", "in", "contains", "startswith", "gt", "regex"])
def test_field_cannot_be_searched(lookup: str) -> None:
    value = [TOKEN] if lookup == "in" else TOKEN

    with pytest.raises(FieldError):
        DiscordIdentity.objects.filter(**{f"access_token__{lookup}": value}).exists()


@pytest.mark.django_db
def test_field_answers_the_null_test_alone() -> None:
    _with_token()

    assert DiscordIdentity.objects.filter(access_token__isnull=False).count() == 1


def test_field_is_named_in_migrations_by_its_own_path() -> None:
    assert EncryptedTextField().deconstruct()[1] == "greenroom.core.fields.EncryptedTextField"
