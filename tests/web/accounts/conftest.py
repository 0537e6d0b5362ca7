from collections.abc import Callable

import pytest
from tests.accounts.conftest import now, sign_in

from greenroom.accounts.models import MailedCode
from greenroom.accounts.types import MailedSecret

__all__ = ["newest_code", "now", "sign_in"]


@pytest.fixture
def newest_code() -> Callable[[MailedSecret], str]:
    """Return a function that reads the newest mailed code of a kind."""
    return lambda purpose: MailedCode.objects.filter(purpose=purpose).latest("pk").code
