from datetime import timedelta

import pytest
from tests.factories.jobs import do_nothing

from greenroom.jobs import registry
from greenroom.jobs.registry import HandlerSpec, Lane

pytestmark = pytest.mark.usefixtures("handlers")
SPEC = HandlerSpec(do_nothing, Lane.MAIL)


def test_use_replaces_the_whole_table() -> None:
    registry.use({"a.b": SPEC})
    registry.use({"c.d": SPEC})

    assert registry.find_handler("a.b") is None
    assert registry.find_handler("c.d") is SPEC


def test_use_keeps_its_own_copy() -> None:
    table = {"a.b": SPEC}
    registry.use(table)

    table.clear()

    assert registry.find_handler("a.b") is SPEC


def test_lane_of_an_unknown_kind_is_the_slow_one() -> None:
    registry.use({"a.b": SPEC})

    assert registry.lane_of("a.b") is Lane.MAIL
    assert registry.lane_of("unknown") is Lane.SLOW


def test_recurring_lists_the_kinds_with_an_interval() -> None:
    hourly = HandlerSpec(do_nothing, Lane.MAIL, every=timedelta(hours=1))
    registry.use({"a.b": SPEC, "c.d": hourly})

    assert registry.recurring() == [("c.d", timedelta(hours=1))]


def test_lanes_are_listed_by_urgency() -> None:
    assert list(Lane) == ["rooms", "money", "mail", "slow"]
