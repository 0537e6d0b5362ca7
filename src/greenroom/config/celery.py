"""Celery, for installations of several machines: beat looks what is due, workers run it (extra `scale`).

    celery -A greenroom.config.celery beat
    celery -A greenroom.config.celery worker -Q ticks,rooms,money
    celery -A greenroom.config.celery worker -Q mail,slow

The due rows stay the truth, so messages are acknowledged when they are taken, nothing is stored about them, Redis may
be emptied at any time, and several beats do no harm. Rooms and money have workers of their own, so that they never wait
behind mail.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "greenroom.config.settings.base")
django.setup()

from django.conf import settings  # noqa: E402 -- after the set-up

from greenroom.config.env import SettingError  # noqa: E402 -- as above
from greenroom.core import clock  # noqa: E402 -- as above
from greenroom.jobs import fan_out, services  # noqa: E402 -- as above
from greenroom.jobs.registry import Lane  # noqa: E402 -- as above
from greenroom.jobs.services import Claim  # noqa: E402 -- as above

TICKS = "ticks"
_TICK_SECONDS = 1.0
_CONNECT_SECONDS = 5

if not settings.ENVIRONMENT.redis_url:
    raise SettingError("Set GREENROOM_REDIS_URL to the address of Redis, such as redis://localhost:6379/0.")

app = Celery("greenroom", broker=settings.ENVIRONMENT.redis_url)
app.conf.update(
    task_ignore_result=True,
    task_default_queue=TICKS,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"socket_connect_timeout": _CONNECT_SECONDS, "socket_timeout": 30},
    timezone="UTC",
    # The built-in scheduler keeps no file: what is missed is not made up for.
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        "tick": {
            "task": "greenroom.tick",
            "schedule": _TICK_SECONDS,
            # Without workers ticks would pile up; none is needed twice.
            "options": {"expires": 2 * _TICK_SECONDS},
        },
    },
)


def tick() -> None:
    """Hand out what is due to the queue of each lane."""
    with _broker() as channel:
        fan_out.hand_out(send=_send, waiting=lambda lane: int(channel.client.llen(lane.value)), now=clock.now())


def run_job(job_id: int, claim_no: int) -> None:
    """Run one row that was handed out; one that was claimed anew since is left alone."""
    services.run(Claim(job_id, claim_no))


_tick = app.task(name="greenroom.tick")(tick)
_run_job = app.task(name="greenroom.run_job")(run_job)


def _send(lane: Lane, claimed: Claim) -> None:
    _run_job.apply_async((claimed.job_id, claimed.claim_no), queue=lane.value)


@contextmanager
def _broker() -> Iterator[Any]:
    with app.pool.acquire(block=True) as connection:
        yield connection.default_channel
