from datetime import timedelta

from tests.factories.jobs import use_handler
from tests.factories.rooms import World, refuse_all

from greenroom.core.actors import Actor, ActorKind
from greenroom.core.models import AuditEntry
from greenroom.integrations.discord.permissions import BOT_INVITE, Permission
from greenroom.integrations.discord.sandbox.models import SandboxMember, SandboxRole
from greenroom.integrations.discord.sandbox.services.guild import bot_id
from greenroom.integrations.discord.transport import Answer
from greenroom.jobs.models import Job, JobState
from greenroom.jobs.registry import Lane
from greenroom.rooms import discord, jobs
from greenroom.rooms.models import BotRecord, GuildReport
from greenroom.rooms.queries import latest_report
from greenroom.rooms.services import examine_guild, try_token_again

HOUR = timedelta(hours=1)
ADMIN = Actor(ActorKind.ADMIN, None, "")


def allow(permissions: Permission) -> None:
    SandboxRole.objects.filter(name="Greenroom").update(permissions=int(permissions))
    SandboxRole.objects.filter(name="@everyone").update(permissions=0)


def test_invited_bot_is_sound_and_costs_five_reads(world: World) -> None:
    report = examine_guild(now=world.now)

    assert report == latest_report()
    assert report is not None
    assert (report.name, report.findings, report.problem) == ("Greenroom practice server", [], "")
    assert [line.split()[0] for line in world.wire.requests] == ["GET"] * 5


def test_what_is_taken_from_the_bot_is_named_and_goes_away_when_given_back(world: World) -> None:
    allow(BOT_INVITE & ~Permission.MANAGE_ROLES)
    report = examine_guild(now=world.now)
    assert report is not None
    assert report.problem.startswith("The bot lacks “Manage Roles”")

    allow(BOT_INVITE)
    again = examine_guild(now=world.now)

    assert again is not None
    assert (again.pk, again.findings) == (report.pk, [])


def test_bot_that_was_put_out_is_told_so(world: World) -> None:
    SandboxMember.objects.filter(user_id=bot_id()).delete()

    report = examine_guild(now=world.now)

    assert report is not None
    assert report.problem == f"The bot is not in the server {world.connection.guild_id}."


def test_dead_token_is_told_and_tried_again_when_somebody_says_so(world: World) -> None:
    world.wire.meddler = lambda *_: Answer(401, {}, b'{"message": "401: Unauthorized", "code": 0}')
    report = examine_guild(now=world.now)
    assert report is not None
    assert report.problem.startswith("Discord refuses the bot token")
    world.allow_everything()
    assert examine_guild(now=world.now) == report
    assert BotRecord.objects.get().is_token_dead

    try_token_again(actor=ADMIN, now=world.now)
    try_token_again(actor=ADMIN, now=world.now)
    world.time.sleep(1)  # what this process read before is a second old by now

    again = examine_guild(now=world.now)
    assert again is not None
    assert again.findings == []
    assert [entry.action for entry in AuditEntry.objects.all()] == ["rooms.try_token_again"]


def test_earlier_report_stays_while_discord_cannot_be_asked(world: World) -> None:
    use_handler("rooms.examine", jobs.examine, lane=Lane.SLOW, every=HOUR)
    world.run()
    examined_at = GuildReport.objects.get().examined_at
    world.wire.meddler = refuse_all

    world.advance(HOUR)
    world.run()

    assert GuildReport.objects.get().examined_at == examined_at
    assert Job.objects.filter(kind="rooms.examine", state=JobState.DUE).exists()


def test_operator_sees_what_is_broken_until_it_is_mended(world: World) -> None:
    use_handler("rooms.examine", jobs.examine, lane=Lane.SLOW, every=HOUR)
    allow(BOT_INVITE & ~Permission.CONNECT)
    world.run()
    [failed] = Job.objects.filter(kind="rooms.examine", state=JobState.FAILED)
    assert failed.last_error.startswith("The bot lacks “Connect”")
    world.advance(HOUR)
    world.run()
    assert Job.objects.filter(kind="rooms.examine", state=JobState.FAILED).count() == 1

    allow(BOT_INVITE)
    world.advance(HOUR)
    world.run()

    assert not Job.objects.filter(kind="rooms.examine", state=JobState.FAILED).exists()


def test_nothing_is_looked_at_without_discord(world: World) -> None:
    discord.use(None)

    assert examine_guild(now=world.now) is None
    assert latest_report() is None
    assert world.wire.requests == []
