"""The accounts feature as a Django app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, login, passwords."""

    name = "projects.accounts"
    label = "accounts"
    verbose_name = "Accounts"
