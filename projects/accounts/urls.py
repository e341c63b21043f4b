"""Where one logs in and out, under Harbor's own addresses."""

from django.urls import path

from projects.accounts.views import account, sessions

urlpatterns = [
    path("account/sign-in", sessions.login, name="login"),
    path("account/sign-out", sessions.logout, name="logout"),
    path("account/password", account.change_password, name="change_password"),
    path("account/profile", account.profile, name="profile"),
    path("c/login", sessions.script_login),
    path("c/log_out", sessions.script_logout),
]
