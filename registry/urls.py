"""The routes of /v2/: path -> method -> view and what the caller must be allowed (distribution-spec, "Endpoints").

registry.middleware asks this table before Django's URLs are looked at; registry.views.base dispatches by it.
"""

from registry.ports import Action
from registry.views.base import Login, Route

PULL, PUSH, DELETE = Action.PULL, Action.PUSH, Action.DELETE

# The busiest first. The sessions of uploads come before blobs: "uploads" is no digest.
ROUTES = (
    Route(
        "/v2/<name>/manifests/<reference>",
        {
            "GET": ("manifests.get", PULL),
            "PUT": ("manifests.put", PUSH),
            "DELETE": ("manifests.delete", DELETE),
        },
    ),
    Route("/v2/<name>/blobs/uploads/", {"POST": ("uploads.post", PUSH)}),
    Route(
        "/v2/<name>/blobs/uploads/<reference>",
        {
            "GET": ("uploads.get", PUSH),
            "PATCH": ("uploads.patch", PUSH),
            "PUT": ("uploads.put", PUSH),
            # Clients cancel the session of a mount that became an upload with the push scope they have.
            "DELETE": ("uploads.delete", PUSH),
        },
    ),
    Route("/v2/<name>/blobs/<reference>", {"GET": ("blobs.get", PULL), "DELETE": ("blobs.delete", DELETE)}),
    Route("/v2/<name>/tags/list", {"GET": ("tags.list_tags", PULL)}),
    Route("/v2/<name>/referrers/<reference>", {"GET": ("referrers.list_referrers", PULL)}),
    Route("/v2/", {"GET": ("ping.get", Login.ANY)}),
    Route("/v2/_catalog", {"GET": ("catalog.list_repositories", Login.CATALOG)}),
)
