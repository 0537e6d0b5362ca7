from typing import Any

import pytest
from django.test import RequestFactory

from greenroom.accounts.adapter import AccountAdapter
from greenroom.notifications.models import Message

pytestmark = pytest.mark.django_db


def test_adapter_believes_configured_proxies_alone(settings: Any) -> None:
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.9"})
    adapter = AccountAdapter(request)

    assert adapter.get_client_ip(request) == "127.0.0.1"
    settings.TRUSTED_PROXIES = ("127.0.0.1/32",)
    assert adapter.get_client_ip(request) == "203.0.113.9"


def test_adapter_closes_sign_up() -> None:
    request = RequestFactory().get("/")

    assert not AccountAdapter(request).is_open_for_signup(request)


def test_adapter_refuses_mails_that_no_page_sends() -> None:
    with pytest.raises(LookupError):
        AccountAdapter(RequestFactory().get("/")).send_mail("account/email/email_confirmation", "a@example.org", {})

    assert Message.objects.count() == 0
