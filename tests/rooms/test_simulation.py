"""Chance against the reconciler, through the command that anybody can run."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from greenroom.accounts.models import User
from greenroom.core import clock
from greenroom.jobs import registry
from greenroom.rooms import discord
from greenroom.rooms.simulation import play_seeds
from greenroom.rooms.simulation.tally import WRONG

# In parts, so that they are played at once where there are several processors.
SEEDS_OF_A_PART = 15
FIRST_SEEDS = range(0, 300, SEEDS_OF_A_PART)
# Few enough to be quick, and in five of them a channel is lost.
SOME = ("--first", "12", "--seeds", "12")

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="plays in a database of its own, whatever the suite's is"),
]


def simulate(*arguments: str) -> tuple[dict[str, object], str]:
    """Run the command; returns what it printed and what it complained of."""
    out = StringIO()
    complaint = ""
    try:
        call_command("simulate", "rooms", "--json", *arguments, stdout=out)
    except CommandError as error:
        complaint = f"{error.returncode}: {error}"
    return json.loads(out.getvalue()), complaint


@pytest.mark.parametrize("first", FIRST_SEEDS)
def test_whatever_happens_rooms_open_and_close_on_time(first: int) -> None:
    numbers, complaint = simulate("--first", str(first), "--seeds", str(SEEDS_OF_A_PART))

    assert complaint == ""
    assert {what: numbers[what] for what in WRONG} == dict.fromkeys(WRONG, 0)
    assert numbers["seeds"] == SEEDS_OF_A_PART
    assert numbers["failed_seeds"] == []
    assert all(numbers[what] for what in ("sessions", "crashes", "stalls", "edits", "changes", "calls"))


def test_without_adoption_and_sweep_rooms_are_left_over() -> None:
    numbers, complaint = simulate(*SOME, "--without", "adoption,sweep")

    assert int(str(numbers["orphans"])) > 0
    assert complaint.startswith("1: seed ")
    assert "orphans: coaching-" in complaint


def test_without_adoption_the_sweep_is_enough() -> None:
    assert simulate(*SOME, "--without", "adoption")[0]["orphans"] == 0


def test_same_seed_plays_the_same_life() -> None:
    assert play_seeds([7]) == play_seeds([7])


def test_nothing_of_the_installation_is_touched() -> None:
    User.objects.create_user("somebody@example.org")
    wired = clock.source(), registry.table(), discord.current()

    play_seeds([0])

    assert list(User.objects.values_list("email", flat=True)) == ["somebody@example.org"]
    assert (clock.source(), registry.table(), discord.current()) == wired


def test_in_words_the_numbers_are_named() -> None:
    out = StringIO()

    call_command("simulate", "rooms", "--seeds", "1", stdout=out)

    assert out.getvalue().startswith("1 seeds, ")
    assert "Nothing was wrong." in out.getvalue()


@pytest.mark.parametrize("arguments", [("--seeds", "0"), ("--seeds", "many"), ("--without", "luck")])
def test_bad_arguments_are_named(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        call_command("simulate", "rooms", *arguments)
