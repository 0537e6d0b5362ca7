"""Mounted at /ops/."""

from django.urls import URLPattern, URLResolver, path

from greenroom.web.ops import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.health, name="ops"),
    path("explain/", views.explain, name="ops_explain"),
    path("jobs/<int:pk>/retry/", views.retry_job, name="ops_retry"),
]
