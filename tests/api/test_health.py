import pytest
from django.db import connection
from django.test import Client


def test_healthz_needs_no_database(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_readyz_answers_when_requests_can_be_served(client: Client) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (200, b"ready\n")
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_readyz_while_migrations_are_pending_is_503(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs'")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"migrations are pending\n")


@pytest.mark.django_db(transaction=True)
def test_readyz_without_a_database_is_503(client: Client) -> None:
    connection.ensure_connection()
    connection.connection.close()

    try:
        answer = client.get("/readyz")
    finally:
        connection.close()

    assert (answer.status_code, answer.content) == (503, b"the database does not answer\n")
