"""The workers' Celery application with the tests' own kinds."""

from greenroom.config.celery import app  # noqa: I001 -- it sets Django up for what comes after

from tests.factories.queue_kinds import register

__all__ = ["app"]

register()
