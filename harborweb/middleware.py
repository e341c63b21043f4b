"""What every request of the portal passes: who its proxy says it is for, and what a page may do in the browser."""

from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port

from harborweb.bodies import REFUSED
from projects.web.errors import error_page
from registry.errors import RegistryError
from registry.proxies import base_url

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class ProxyMiddleware:
    """Gives a request the scheme and the host that the client used when it came through a trusted proxy.

    Django's own SECURE_PROXY_SSL_HEADER would believe everybody's header. Without either, TLS that ends at a proxy is
    plain HTTP to Django: every form is refused as another site's, and HSTS is never sent.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            scheme, _, host = base_url(request).partition("://")
        except RegistryError as error:
            raise DisallowedHost(error.message) from error
        request.META["wsgi.url_scheme"] = scheme
        request.META["HTTP_HOST"] = host
        return self.get_response(request)


class SecurityHeadersMiddleware:
    """Adds the Content-Security-Policy (no inline script or style), the Permissions-Policy and, over TLS, HSTS."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        response.headers.setdefault("X-Frame-Options", "DENY")
        seconds = settings.HARBORWEB["HSTS"]
        if seconds and request.is_secure() and _is_asked_for_by_name(request):
            response.headers["Strict-Transport-Security"] = f"max-age={seconds}"
        return response


def _is_asked_for_by_name(request: HttpRequest) -> bool:
    """True if the host is the one that people use. Its name is ours; localhost and addresses are others', too.

    Browsers keep HSTS by name, for every port: on localhost that would be everything else there.
    """
    host, _ = split_domain_port(request.META["HTTP_HOST"])
    return host == settings.HARBORWEB["HOSTNAME"].lower() and host != "localhost" and not _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


class RefusedBodyMiddleware:
    """Answers where a form could not be read, as the portal answers: a page, or JSON to a program."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refused = request.META.get(REFUSED)
        if refused is None:
            return self.get_response(request)
        response = error_page(request, refused.status)
        for name, value in refused.headers.items():
            response.headers[name] = value
        return response
