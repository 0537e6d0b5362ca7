"""The API for people: the OpenAPI description as a plain page, without scripts from elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from greenroom.api.v1 import api

_METHODS = ("get", "post")


@dataclass(frozen=True, slots=True)
class Field:
    """One value that is sent or answered."""

    name: str
    kind: str
    is_required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that can be asked of the API."""

    method: str
    path: str
    summary: str
    text: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[tuple[str, str, tuple[Field, ...]], ...]


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show every call with what it takes and gives."""
    return render(request, "api/docs.html", {"calls": calls(), "version": api.version})


@lru_cache(maxsize=1)
def calls() -> tuple[Call, ...]:
    """Read the calls out of the OpenAPI description, in its order."""
    described: dict[str, Any] = api.get_openapi_schema()
    return tuple(
        _call(described, method, path, operations[method])
        for path, operations in described["paths"].items()
        for method in _METHODS
        if method in operations
    )


def _call(described: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Call:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    return Call(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        text=operation.get("description", ""),
        parameters=tuple(
            Field(
                f"{parameter['name']} ({parameter['in']})",
                _kind(parameter.get("schema", {})),
                bool(parameter.get("required")),
                parameter.get("description", ""),
            )
            for parameter in operation.get("parameters", [])
        ),
        body=tuple(_fields(described, body)),
        answers=tuple(
            (str(status), answer.get("description", ""), tuple(_fields(described, _schema_of(answer))))
            for status, answer in operation.get("responses", {}).items()
        ),
    )


def _schema_of(answer: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _fields(described: dict[str, Any], schema: dict[str, Any]) -> Iterator[Field]:
    resolved = _resolve(described, schema)
    required = set(resolved.get("required", ()))
    for name, each in resolved.get("properties", {}).items():
        yield Field(name, _kind(each), name in required, each.get("description", ""))


def _resolve(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references and take the first alternative that is an object."""
    for alternative in schema.get("anyOf", ()):
        if alternative.get("type") != "null":
            return _resolve(described, alternative)
    if "$ref" in schema:
        found: dict[str, Any] = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _kind(schema: dict[str, Any]) -> str:
    """Say what kind of value a schema allows, in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(alternative) for alternative in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("type", "any"))
