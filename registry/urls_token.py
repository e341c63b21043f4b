"""URLs of the token service."""

from django.urls import path

from registry.views.token import token_service

urlpatterns = [path("token", token_service, name="token")]
