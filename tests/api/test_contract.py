"""The API keeps what its own description promises, whatever is sent: generated calls, good and bad."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi import checks
from tests.bookings.steps import describe, hold
from tests.factories.bookings import make_offer

from greenroom.api.v1 import api
from greenroom.bookings.queries import manage_token
from greenroom.config.wsgi import application
from greenroom.core import ids

REF = "the-one-known-booking"
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.negative_data_rejection,
]
KNOWN_PATH = {"coach": "maya", "offer": "call", "ref": REF}
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application, config=SchemathesisConfig(seed=7))


@schema.hook
def flatmap_path_parameters(_context: object, path_parameters: dict[str, Any] | None) -> Any:
    """Ask for things that exist in half of the calls: random names alone never get past "not found"."""
    known = {name: KNOWN_PATH.get(name, value) for name, value in (path_parameters or {}).items()}
    return st.sampled_from([path_parameters, known])


@schema.hook
def flatmap_query(context: Any, query: dict[str, Any] | None) -> Any:
    """Hold the link's token in half of the calls about a booking."""
    if "{ref}" not in context.operation.path:
        return st.just(query)
    return st.sampled_from([query, {**(query or {}), "token": ids.sign_ref(REF, purpose="bookings.manage")}])


@schema.hook
def flatmap_body(context: Any, body: Any) -> Any:
    """Book something that exists in half of the calls that are well formed."""
    if not context.operation.path.endswith("/bookings") or not isinstance(body, dict):
        return st.just(body)
    wanted = {"coach": "maya", "offer": "call", "starts_at": "2026-03-04T12:00:00Z", "email": "ann@example.org"}
    return st.sampled_from([body, {**body, **wanted}])


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Keep requests from closing the connection that holds the test's transaction, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def world(db: None, one_connection: None, frozen_clock: Any, settings: Any) -> None:  # noqa: ARG001 -- a database and a clock that stands
    """A coach, an offer, a booking whose reference is known, and no limit on tries."""
    settings.HOLD_LIMIT = 10**6
    booking = describe(hold(make_offer()))
    booking.ref = REF
    booking.save(update_fields=["ref"])
    assert manage_token(booking) == ids.sign_ref(REF, purpose="bookings.manage")


@pytest.mark.usefixtures("world")
@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_every_call_keeps_the_contract(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS, headers={"Accept-Encoding": "identity"})


def test_description_names_every_call_of_the_contract_and_its_problems() -> None:
    document = api.get_openapi_schema()

    calls = {
        f"{method.upper()} {path.removeprefix('/api/v1/')}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert calls >= {
        "GET coaches",
        "GET coaches/{coach}",
        "GET coaches/{coach}/offers",
        "GET coaches/{coach}/offers/{offer}/slots",
        "GET bookings",
        "POST bookings",
        "GET bookings/{ref}",
        "POST bookings/{ref}/pay",
        "POST bookings/{ref}/cancel",
        "POST bookings/{ref}/reschedule",
        "GET availability/windows",
        "POST availability/windows",
        "POST availability/blackouts",
        "GET availability/slots",
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            assert list(operation["responses"]["4XX"]["content"]) == ["application/problem+json"]
    names = {parameter["name"] for parameter in document["paths"]["/api/v1/bookings"]["post"]["parameters"]}
    assert names == {"Idempotency-Key"}
