"""The catalog: names of the repositories that have ever been pushed to (GET /v2/_catalog, docker's registry API v2)."""

from registry.models import Repository
from registry.ports import access_policy

MAX_PAGE = 10_000


def page(*, subject: str, last: str, size: int) -> tuple[list[str], bool]:
    """At most `size` names after `last` that `subject` may list, in ASCII order, and whether there are more."""
    size = min(size, MAX_PAGE)
    if not size:
        return [], False
    repositories = Repository.objects.filter(pushed_at__isnull=False, name__gt=last)
    namespaces = access_policy().visible_namespaces(subject)
    if namespaces is not None:
        repositories = repositories.filter(namespace_id__in=namespaces)
    found = list(repositories.order_by("name").values_list("name", flat=True)[: size + 1])
    return found[:size], len(found) > size
