from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.template.backends.django import DjangoTemplates
from django.test import RequestFactory
from tests.web import page_samples

import greenroom.web

TEMPLATES = Path(greenroom.web.__file__).parent / "templates"
MISSING = "!missing:%s!"


@pytest.fixture(scope="session")
def engine() -> DjangoTemplates:
    """Draw our templates with our tags alone; a name that the context does not hold shows as `!missing:name!`."""
    libraries = {
        "ui": "greenroom.web.templatetags.ui",
        "django_vite": "tests.web.vite_stub",
        "static": "django.templatetags.static",
    }
    processors = ["django.template.context_processors.request"]
    options = {"libraries": libraries, "string_if_invalid": MISSING, "context_processors": processors}
    return DjangoTemplates({"NAME": "pages", "DIRS": [TEMPLATES], "APP_DIRS": False, "OPTIONS": options})


@pytest.fixture
def draw(engine: DjangoTemplates, settings: Any) -> Callable[..., str]:
    settings.ROOT_URLCONF = "tests.web.page_urls"

    def render(name: str, context: dict[str, Any], path: str = "/book/ilse/?date=2026-12-03") -> str:
        template = engine.get_template(name)
        return str(template.render(page_samples.frame() | context, RequestFactory().get(path)))

    return render
