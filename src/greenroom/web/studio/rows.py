"""Forms with rows that can be added and taken away by ordinary submit buttons, without script.

A row's field is called `group-0-name`; the hidden input `group-rows` says how many rows there are. The buttons
`add=group` and `remove=group-0` send the whole form, which is drawn again with a row more or less; nothing is saved.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict

from greenroom.core.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One kind of row: the fields of each, how many there may be, and how many empty ones an unsent form shows."""

    name: str
    fields: Callable[[int], dict[str, forms.Field]]
    most: int
    at_least: int = 1
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a template draws it."""

    index: int
    number: int
    fields: dict[str, forms.BoundField]
    remove: str


class RowsForm(forms.Form):
    """A form whose `groups` stand in rows. `rows` are the values an unsent form begins with, for each group."""

    groups: ClassVar[tuple[RowGroup, ...]] = ()

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        is_quiet: bool = False,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self._is_quiet = is_quiet
        self._counts: dict[str, int] = {}
        for group in self.groups:
            given = (rows or {}).get(group.name, ())
            self._counts[group.name] = self._count(group, len(given))
            for index in range(self._counts[group.name]):
                values = given[index] if index < len(given) else {}
                self._add_row(group, index, values)

    def _count(self, group: RowGroup, given: int) -> int:
        if self.is_bound:
            return row_count(self.data, group)
        return min(group.most, max(group.at_least, given + group.spare))

    def _add_row(self, group: RowGroup, index: int, values: Mapping[str, Any]) -> None:
        for name, field in group.fields(index).items():
            full = f"{group.name}-{index}-{name}"
            self.fields[full] = field
            if name in values:
                self.initial[full] = values[name]

    @property
    def errors(self) -> ErrorDict:
        """What is wrong; nothing while somebody only adds or removes a row."""
        return ErrorDict() if self._is_quiet else super().errors

    def rows(self, name: str) -> list[Row]:
        """Return the rows of a group for drawing."""
        return [
            Row(
                index,
                index + 1,
                {field: self[f"{name}-{index}-{field}"] for field in self._fields_of(name)},
                f"{name}-{index}",
            )
            for index in range(self._counts[name])
        ]

    def _fields_of(self, name: str) -> list[str]:
        group = next(group for group in self.groups if group.name == name)
        return list(group.fields(0))

    def cleaned_rows(self, name: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the index and the cleaned values of each row; what did not pass its field is left out."""
        prefixes = [(index, f"{name}-{index}-") for index in range(self._counts[name])]
        return [
            (
                index,
                {
                    full.removeprefix(prefix): value
                    for full, value in self.cleaned_data.items()
                    if full.startswith(prefix)
                },
            )
            for index, prefix in prefixes
        ]

    def has_row_error(self, name: str, index: int) -> bool:
        """Tell whether a field of this row was refused."""
        return any(full.startswith(f"{name}-{index}-") for full in self.errors)


def row_count(data: Mapping[str, Any], group: RowGroup) -> int:
    """Read how many rows were sent, within bounds; nonsense counts as the fewest."""
    text = str(data.get(f"{group.name}-rows", ""))
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(group.most)) + 1
    return min(group.most, max(group.at_least, int(text) if is_number else 0))


def reshaped(data: QueryDict, groups: Sequence[RowGroup]) -> QueryDict | None:
    """Return what was sent with a row more or less, if a button asked for that; else None."""
    named = {group.name: group for group in groups}
    adding = named.get(data.get("add", ""))
    if adding is not None:
        changed = data.copy()
        changed[f"{adding.name}-rows"] = str(min(adding.most, row_count(data, adding) + 1))
        return changed
    name, _, index = data.get("remove", "").rpartition("-")
    if name in named and index.isascii() and index.isdecimal():
        return _without_row(data, named[name], int(index))
    return None


def _without_row(data: QueryDict, group: RowGroup, removed: int) -> QueryDict:
    changed = data.copy()
    count = row_count(data, group)
    for index in range(removed, count):
        for field in group.fields(0):
            values = data.getlist(f"{group.name}-{index + 1}-{field}")
            changed.setlist(f"{group.name}-{index}-{field}", values)
    changed[f"{group.name}-rows"] = str(max(group.at_least, count - 1))
    return changed


def blame(form: forms.Form, error: InvalidInputError, *, field: str | None = None) -> None:
    """Put a service's refusal at the field it names, or at the top when the form has no such field."""
    name = field or error.field or ""
    form.add_error(name if name in form.fields else None, error.message)
