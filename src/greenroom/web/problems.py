"""What keeps a form from being saved, as the summary above it lists it."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django import forms


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of the summary above a form: where, and what to do."""

    anchor: str
    label: str
    message: str


def problems_of(form: forms.Form) -> list[Problem]:
    """Return everything that keeps a form from being saved, in the order of its fields."""
    found = [Problem("", "", str(message)) for message in form.non_field_errors()]
    for bound in form:
        anchor = bound.id_for_label or bound.auto_id
        found += [Problem(anchor, str(bound.label), str(message)) for message in bound.errors]
    return found


def status_of(problems: Sequence[Problem]) -> HTTPStatus:
    """Return the status of a page with a form: 422 where it shows what keeps the form from being saved."""
    return HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK
