"""URLs, filled by the feature."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
