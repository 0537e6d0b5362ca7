import pytest

from greenroom.availability import rules
from greenroom.availability.engine import Window
from greenroom.availability.errors import WindowsOverlapError
from greenroom.core.actors import SYSTEM, Actor, ActorKind
from greenroom.core.errors import InvalidInputError, NotAllowedError
from greenroom.notifications.display import EN_DASH

NINE, NOON, SIX_PM, TEN_PM, MIDNIGHT = 540, 720, 1080, 1320, 1440


def dashed(text: str) -> str:
    return text.replace(" - ", f" {EN_DASH} ")


@pytest.mark.parametrize("kind", [ActorKind.GUEST, ActorKind.STUDENT, ActorKind.SYSTEM])
def test_require_others_than_coach_and_admin_are_refused(kind: ActorKind) -> None:
    with pytest.raises(NotAllowedError):
        rules.require(Actor(kind))


@pytest.mark.parametrize("kind", [ActorKind.COACH, ActorKind.ADMIN])
def test_require_coach_and_admin_may_change_hours(kind: ActorKind) -> None:
    rules.require(Actor(kind))

    assert kind != SYSTEM.kind


@pytest.mark.parametrize(
    "windows",
    [
        [],
        [Window(1, NINE, NOON), Window(1, NOON, SIX_PM)],
        [Window(1, 0, MIDNIGHT), Window(2, 0, MIDNIGHT)],
        [Window(1, TEN_PM, NINE), Window(2, NINE, NOON)],
        [Window(7, TEN_PM, NINE), Window(1, NINE, NOON)],
        [Window(7, TEN_PM, 0), Window(1, 0, NOON)],
        [Window(weekday, 0, 0 or MIDNIGHT) for weekday in range(1, 8)],
        [Window(3, 1, 0)],
    ],
)
def test_check_week_windows_that_only_touch_are_fine(windows: list[Window]) -> None:
    rules.check_week(windows)


@pytest.mark.parametrize(
    ("windows", "field", "words"),
    [
        ([Window(1, NINE, NOON), Window(1, 660, SIX_PM)], "windows.1", "Monday: 09:00 - 12:00 and 11:00 - 18:00"),
        ([Window(4, NINE, NOON), Window(4, NINE, NOON)], "windows.4", "Thursday: 09:00 - 12:00 and 09:00 - 12:00"),
        ([Window(1, TEN_PM, NINE), Window(2, 480, NOON)], "windows.2", "Tuesday: Monday 22:00 - 09:00 and 08:00"),
        ([Window(1, 480, NOON), Window(7, TEN_PM, NINE)], "windows.1", "Monday: Sunday 22:00 - 09:00 and 08:00"),
        ([Window(2, 0, MIDNIGHT), Window(1, TEN_PM, 60)], "windows.2", "Tuesday: Monday 22:00 - 01:00 and 00:00"),
    ],
)
def test_check_week_overlap_names_the_day_of_the_later_window(windows: list[Window], field: str, words: str) -> None:
    with pytest.raises(WindowsOverlapError) as caught:
        rules.check_week(windows)

    assert caught.value.field == field
    assert caught.value.message.startswith(dashed(words))


def test_check_week_too_many_windows_on_a_day_names_it() -> None:
    windows = [Window(5, 60 * hour, 60 * hour + 30) for hour in range(rules.MOST_WINDOWS_A_DAY + 1)]

    with pytest.raises(InvalidInputError, match="Friday: use at most 12 windows") as caught:
        rules.check_week(windows)

    assert caught.value.field == "windows.5"


@pytest.mark.parametrize("span", [(-1, NOON), (MIDNIGHT, NOON), (NINE, MIDNIGHT + 1), (NINE, NINE), (0, 0)])
def test_check_span_nonsense_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        rules.check_span(span)

    assert caught.value.field == "windows"


def test_checked_window_unknown_weekday_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="is not a day"):
        rules.checked_window(8, NINE, NOON)


def test_checked_window_keeps_what_it_was_given() -> None:
    assert rules.checked_window(3, TEN_PM, 60) == Window(3, TEN_PM, 60)


@pytest.mark.parametrize(
    ("windows", "short"),
    [
        ([], []),
        ([(1, 540, 600)], []),
        ([(1, 540, 599)], [(1, 540, 599)]),
        ([(1, 540, 570), (1, 570, 600)], []),
        ([(1, 1410, 1440), (2, 0, 30)], []),
        ([(1, 0, 30), (3, 540, 600), (7, 1410, 1440)], []),
        ([(1, 0, 29), (3, 540, 600), (7, 1410, 1440)], [(1, 0, 29), (7, 1410, 1440)]),
        ([(1, 1410, 29)], [(1, 1410, 29)]),
        ([(3, 0, 1440), (1, 540, 599), (2, 540, 560)], [(1, 540, 599), (2, 540, 560)]),
    ],
)
def test_too_short_counts_windows_that_touch_together(
    windows: list[tuple[int, int, int]], short: list[tuple[int, int, int]]
) -> None:
    assert rules.too_short([Window(*one) for one in windows], 60) == [Window(*one) for one in short]


def test_check_date_overlap_is_refused_and_touching_is_fine() -> None:
    rules.check_date([(NOON, SIX_PM), (NINE, NOON)])

    with pytest.raises(WindowsOverlapError, match=dashed("09:00 - 12:00 and 11:59 - 18:00 overlap")):
        rules.check_date([(719, SIX_PM), (NINE, NOON)])


def test_check_date_too_many_windows_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="at most 12"):
        rules.check_date([(60 * hour, 60 * hour + 30) for hour in range(13)])
