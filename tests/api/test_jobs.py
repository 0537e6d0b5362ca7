from datetime import timedelta

import pytest
from tests.factories.clock import SettableClock
from tests.factories.jobs import make_job

from greenroom.api.jobs import KEEP, prune
from greenroom.api.models import IdempotentAnswer


@pytest.mark.django_db
def test_prune_forgets_answers_after_two_days(frozen_clock: SettableClock) -> None:
    now = frozen_clock()
    for key, age in (("old", KEEP + timedelta(seconds=1)), ("young", KEEP)):
        IdempotentAnswer.objects.create(key_digest=key, body_digest="x", created_at=now - age)

    prune(make_job(now=now))

    assert list(IdempotentAnswer.objects.values_list("key_digest", flat=True)) == ["young"]
