import pytest
from django.core.exceptions import ImproperlyConfigured

from greenroom.integrations.stripe.sandbox.gateway import SandboxGateway
from greenroom.payments import gateways


def test_current_without_a_gateway_says_what_to_set(gateway: SandboxGateway) -> None:
    assert gateways.current() is gateway

    gateways.use(None)

    with pytest.raises(ImproperlyConfigured, match="STRIPE_"):
        gateways.current()
