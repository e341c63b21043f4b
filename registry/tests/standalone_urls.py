"""URLs of the registry alone: the token service; /v2/ needs none."""

from django.urls import include, path

urlpatterns = [path("service/", include("registry.urls_token"))]
