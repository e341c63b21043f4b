"""What page views share: the decorator that maps errors, forms that show a service's errors, safe redirects."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from projects.errors import DomainError, Invalid, Throttled
from projects.web.errors import domain_error, not_allowed, sentence
from projects.web.middleware import PortalRequest
from registry.errors import RegistryError

P = ParamSpec("P")
View = Callable[Concatenate[PortalRequest, P], HttpResponse]


def page(view: View[P]) -> View[P]:
    """Makes a function a page: what is refused becomes a readable page, and no cache mixes a page up with its fragment.

    It goes on top of `require_form` and its like, whose own answer is blank.
    """

    @wraps(view)
    def wrapper(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except (DomainError, RegistryError) as error:
            response = domain_error(request, error)
        if isinstance(response, HttpResponseNotAllowed):
            response = not_allowed(request, response)
        if request.htmx and isinstance(response, HttpResponseRedirect):
            # The browser itself must go there: a swapped-in answer would land in the list or the dialog.
            response = HttpResponseClientRedirect(response.url)
        patch_vary_headers(response, ["HX-Request"])
        patch_cache_control(response, private=True, no_cache=True)
        return response

    return wrapper


def no_destination(view: View[P]) -> View[P]:
    """Marks what shows nothing: nobody is sent there by `next`."""
    view.no_destination = True  # type: ignore[attr-defined]  # decorators hand it on with functools.wraps
    return view


def require_form(view: View[P]) -> View[P]:
    """Lets nothing but POST through: what a form sends."""
    return no_destination(require_POST(view))


def login_required(view: View[P]) -> View[P]:
    """Sends whoever has not logged in to do so, and back here afterwards."""

    @wraps(view)
    def wrapper(request: PortalRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.actor.is_anonymous:
            return view(request, *args, **kwargs)
        back = (
            request.get_full_path()
            if request.method in ("GET", "HEAD")
            else request.META.get("HTTP_REFERER", "")
        )
        url = f"{reverse('login')}?{urlencode({'next': back})}"
        return HttpResponseRedirect(url)

    return wrapper


@contextmanager
def errors_in(form: forms.BaseForm, *, field: str | None = None) -> Iterator[None]:
    """Shows what a service refuses on the form that asked for it: beside the field that the error names, or `field`.

    Throttled passes: it is nobody's input, and has an answer of its own (render_throttled).
    """
    try:
        yield
    except Throttled:
        raise
    except DomainError as error:
        named = error.field if isinstance(error, Invalid) else ""
        form.add_error(named if named in form.fields else field, sentence(str(error)))
    except RegistryError as error:
        form.add_error(field, sentence(error.message))


def render_form(
    request: HttpRequest, template: str, context: dict[str, object], form: forms.BaseForm
) -> HttpResponse:
    """A page with a form; 422 when the form came back with errors."""
    return render(
        request, template, {**context, "form": form}, status=422 if form.is_bound and form.errors else 200
    )


def render_throttled(
    request: HttpRequest, template: str, context: dict[str, object], form: forms.BaseForm, error: Throttled
) -> HttpResponse:
    """The page with the form again, for whoever guessed too often: 429, and how long to wait."""
    form.add_error(None, sentence(str(error)))
    response = render_form(request, template, context, form)
    response.status_code = 429
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def warn_of_nothing(request: HttpRequest, field: str, advice: str) -> None:
    """Says why there is nothing to act on: it is gone, as from another tab, or nothing was chosen: then `advice`."""
    chosen = request.POST.getlist(field)
    messages.warning(request, "What you chose is gone already." if chosen else advice)


def safe_next(request: HttpRequest, default: str) -> str:
    """The address in `next` if it is a page of ours, else the default: no link sends anybody elsewhere."""
    # Harbor's own sign-in page calls it redirect_url.
    target = request.POST.get("next") or request.GET.get("next") or request.GET.get("redirect_url") or ""
    if url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return target if _is_destination(urlsplit(target).path) else default
    return default


def _is_destination(path: str) -> bool:
    try:
        return not hasattr(resolve(path).func, "no_destination")
    except Resolver404:
        return False
