"""Reads what a request carries; everything malformed becomes Discord's "Invalid Form Body", never a server error."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from greenroom.integrations.discord.sandbox.errors import ApiError, invalid_form
from greenroom.integrations.discord.snowflake import MAX_SNOWFLAKE
from greenroom.integrations.discord.types import Overwrite, OverwriteTarget

_INVALID_JSON = 50109
_MOST_DIGITS = 20


def json_object(content: bytes) -> dict[str, object]:
    """Read a JSON object; an empty body is an empty object. Raises: ApiError."""
    if not content:
        return {}
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise ApiError(HTTPStatus.BAD_REQUEST, _INVALID_JSON, "The request body contains invalid JSON.") from None
    if not isinstance(value, dict):
        raise invalid_form("_root", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
    return value


def snowflake(value: object, field: str) -> int:
    """Read an id: a decimal string or a number. Raises: ApiError."""
    number = _number(value)
    if number is None or not 0 < number <= MAX_SNOWFLAKE:
        raise invalid_form(field, "NUMBER_TYPE_COERCE", "Value is not snowflake.")
    return number


def optional_snowflake(body: Mapping[str, object], field: str) -> int | None:
    """Read an id that may be left out or null. Raises: ApiError."""
    value = body.get(field)
    return None if value is None else snowflake(value, field)


def permissions(value: object, field: str) -> int:
    """Read a permission set: a decimal string or a number. Raises: ApiError."""
    number = _number(value)
    if number is None or not 0 <= number <= MAX_SNOWFLAKE:
        raise invalid_form(field, "NUMBER_TYPE_COERCE", "Value is not a permission set.")
    return number


def integer(value: object, field: str, *, least: int, most: int) -> int:
    """Read a number in a range. Raises: ApiError."""
    number = _number(value)
    if number is None:
        raise invalid_form(field, "NUMBER_TYPE_COERCE", "Value is not int.")
    if not least <= number <= most:
        raise invalid_form(field, "NUMBER_TYPE_MAX", f"int value should be between {least} and {most}.")
    return number


def text(value: object, field: str, *, most: int) -> str:
    """Read a text of 1 to `most` characters. Raises: ApiError."""
    if not isinstance(value, str):
        raise invalid_form(field, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
    # Neither can be stored: PostgreSQL refuses NUL, and half a surrogate pair has no UTF-8.
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise invalid_form(field, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
    stripped = value.strip()
    if not 1 <= len(stripped) <= most:
        raise invalid_form(field, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {most} in length.")
    return stripped


def overwrites(value: object) -> tuple[Overwrite, ...]:
    """Read a list of overwrites; the last of several for one target counts. Raises: ApiError."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise invalid_form("permission_overwrites", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    found: dict[int, Overwrite] = {}
    for index, item in enumerate(value):
        overwrite = _overwrite(item, f"permission_overwrites.{index}")
        found[overwrite.target_id] = overwrite
    return tuple(found.values())


def _overwrite(item: object, field: str) -> Overwrite:
    if not isinstance(item, dict):
        raise invalid_form(field, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
    kind = integer(item.get("type"), f"{field}.type", least=0, most=1)
    return Overwrite(
        target_type=OverwriteTarget(kind),
        target_id=snowflake(item.get("id"), f"{field}.id"),
        allow=permissions(item.get("allow", 0), f"{field}.allow"),
        deny=permissions(item.get("deny", 0), f"{field}.deny"),
    )


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _MOST_DIGITS:
        return int(value)
    return None
