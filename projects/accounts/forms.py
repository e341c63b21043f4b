"""The forms of logging in and of one's own account."""

from typing import Any

from django import forms

from projects.accounts.rules import PASSWORD_RULE


class LoginForm(forms.Form):
    """User name and password."""

    username = forms.CharField(
        label="User name or e-mail",
        max_length=255,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class ChangePasswordForm(forms.Form):
    """The current password, and the new one twice."""

    old_password = forms.CharField(
        label="Current password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    new_password = forms.CharField(
        strip=False,
        help_text=f"{PASSWORD_RULE}.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": 8, "maxlength": 128}),
    )
    repeated = forms.CharField(
        label="New password again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """The two new passwords must be the same."""
        cleaned = super().clean() or {}
        new, repeated = cleaned.get("new_password"), cleaned.get("repeated")
        if new and repeated and new != repeated:
            self.add_error("repeated", "The two new passwords differ.")
        return cleaned


class ProfileForm(forms.Form):
    """What a user tells of itself."""

    email = forms.EmailField(
        label="E-mail",
        max_length=255,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    realname = forms.CharField(
        label="Name",
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    comment = forms.CharField(max_length=255, required=False)
