"""One's own account: profile and password."""

from django.contrib import auth, messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from projects.accounts import services
from projects.accounts.forms import ChangePasswordForm, ProfileForm
from projects.accounts.models import User
from projects.errors import Throttled
from projects.web.middleware import PortalRequest
from projects.web.pages import errors_in, login_required, page, render_form, render_throttled
from registry.proxies import client_address


@sensitive_post_parameters()
@never_cache
@page
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def change_password(request: PortalRequest) -> HttpResponse:
    """A new password for whoever knows the old one; this session goes on, all others end."""
    template = "accounts/change_password.html"
    form = ChangePasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        user = _user(request)
        try:
            with errors_in(form, field="new_password"):
                services.change_password(
                    user=user,
                    old_password=form.cleaned_data["old_password"],
                    new_password=form.cleaned_data["new_password"],
                    address=client_address(request),
                )
        except Throttled as error:
            return render_throttled(request, template, {}, form, error)
        if form.is_valid():
            auth.update_session_auth_hash(request, user)
            messages.success(request, "Your password is changed. Every other session of yours has ended.")
            return HttpResponseRedirect(reverse("change_password"))
    return render_form(request, template, {}, form)


@page
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def profile(request: PortalRequest) -> HttpResponse:
    """What a user tells of itself."""
    user = _user(request)
    initial = {"email": user.email, "realname": user.realname, "comment": user.comment}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        with errors_in(form, field="email"):
            services.update_profile(user=user, **form.cleaned_data)
        if form.is_valid():
            messages.success(request, "Your profile is saved.")
            return HttpResponseRedirect(reverse("profile"))
    return render_form(request, "accounts/profile.html", {"account": user}, form)


def _user(request: PortalRequest) -> User:
    """The session's user; behind login_required there is one."""
    return User.objects.get(username=request.actor.name)
