import pytest
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session

from greenroom.accounts.sessions import SessionStore

pytestmark = pytest.mark.django_db


def test_session_is_ciphertext_in_the_database_and_comes_back() -> None:
    store = SessionStore()
    store["code"] = "123456"
    store.save()

    row = Session.objects.get(session_key=store.session_key)
    assert row.session_data.startswith("gAAAA")
    assert SessionStore(session_key=store.session_key)["code"] == "123456"


def test_session_under_a_lost_key_is_empty(settings: pytest.FixtureRequest) -> None:
    store = SessionStore()
    store["code"] = "123456"
    store.save()

    settings.ENCRYPTION_KEYS = (Fernet.generate_key().decode(),)  # type: ignore[attr-defined]

    assert SessionStore(session_key=store.session_key).get("code") is None


def test_session_that_was_never_encrypted_is_empty() -> None:
    store = SessionStore()
    store["code"] = "123456"
    store.save()
    Session.objects.update(session_data="e30:plain")

    assert SessionStore(session_key=store.session_key).get("code") is None
