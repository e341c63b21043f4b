"""Every URL outside /v2/, which registry.middleware answers before Django's URLs are asked (docs/adr/0002)."""

from django.urls import include, path

urlpatterns = [
    path("service/", include("registry.urls_token")),
    path("", include("projects.accounts.urls")),
    path("api/", include("projects.portal.api_urls")),
    path("", include("projects.portal.urls")),
]

handler400 = "projects.web.errors.bad_request"
handler403 = "projects.web.errors.forbidden"
handler404 = "projects.web.errors.not_found"
handler500 = "projects.web.errors.server_error"
