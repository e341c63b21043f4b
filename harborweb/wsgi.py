"""The WSGI application that Granian (or gunicorn) serves: portal, API and registry in one."""

import os
from threading import BoundedSemaphore

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "harborweb.settings")
portal = get_wsgi_application()

from django.conf import settings  # noqa: E402

from harborweb import silence  # noqa: E402
from harborweb.bodies import BodiesFirst, Leftovers  # noqa: E402
from registry.wsgi import ShortPath  # noqa: E402  # needs the applications

slots = BoundedSemaphore(settings.HARBORWEB["THREADS"] // 8)
application = Leftovers(
    ShortPath(BodiesFirst(portal, slots=slots, largest=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)),
    slots=slots,
)
silence.watch(settings.HARBORWEB["SILENCE"])
