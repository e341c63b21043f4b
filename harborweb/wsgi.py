"""The WSGI application that Granian (or gunicorn) serves: portal, API and registry in one."""

import os
from collections.abc import Iterable
from threading import BoundedSemaphore
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harborweb.settings")
portal = get_wsgi_application()

from django.conf import settings  # noqa: E402

from harborweb import silence  # noqa: E402
from harborweb.bodies import BodiesFirst, Leftovers  # noqa: E402
from registry.wsgi import Environ, ShortPath  # noqa: E402  # needs the applications

slots = BoundedSemaphore(settings.HARBORWEB["THREADS"] // 8)
_answer = Leftovers(
    ShortPath(BodiesFirst(portal, slots=slots, largest=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)),
    slots=slots,
)
silence.watch(settings.HARBORWEB["SILENCE"])


def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """HTTP/1.0 need not name a host, and health checks of load balancers do not: they asked for the one we have."""
    if not environ.get("HTTP_HOST") and environ["SERVER_PROTOCOL"] in ("HTTP/1", "HTTP/1.0"):
        environ["HTTP_HOST"] = settings.HARBORWEB["HOSTNAME"]
    return _answer(environ, start_response)
