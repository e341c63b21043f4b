"""URLs of the token service."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
