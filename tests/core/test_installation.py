"""Who we are to others."""

import pytest
from django.db import IntegrityError, transaction

from greenroom.core.installation import installation_ref
from greenroom.core.models import Installation

pytestmark = pytest.mark.django_db


def test_installation_ref_is_made_up_once_and_kept() -> None:
    first = installation_ref()
    assert len(first) == 22
    assert installation_ref() == first == Installation.objects.get().ref


def test_second_installation_is_refused_by_the_database() -> None:
    installation_ref()
    with pytest.raises(IntegrityError), transaction.atomic():
        Installation.objects.create(ref="another")
