"""The portal's forms. They parse; what is right the services decide."""

from typing import Any, ClassVar

from django import forms

from projects.models import Role

ROLES = [
    (Role.PROJECT_ADMIN, "Project admin – everything in the project, with its members"),
    (Role.MAINTAINER, "Maintainer – pushes, scans and deletes"),
    (Role.DEVELOPER, "Developer – pushes and pulls"),
    (Role.GUEST, "Guest – pulls and sees the members"),
    (Role.LIMITED_GUEST, "Limited guest – pulls"),
]


class ProjectForm(forms.Form):
    """A new project."""

    name = forms.CharField(
        label="Project name",
        max_length=255,
        help_text="Lower-case letters and digits, with . _ or - between them. Every image's name begins with it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "spellcheck": "false"}),
    )
    public = forms.BooleanField(
        label="Public", required=False, help_text="Anybody can browse and pull, without logging in."
    )


class ConfigurationForm(forms.Form):
    """How a project behaves."""

    public = forms.BooleanField(
        label="Public", required=False, help_text="Anybody can browse and pull, without logging in."
    )
    allow_sparse_indexes = forms.BooleanField(
        label="Accept sparse indexes",
        required=False,
        help_text="Takes an index although some of its images are not here, as when only one platform is copied.",
    )


class MemberForm(forms.Form):
    """A new member."""

    username = forms.CharField(
        label="User name",
        max_length=255,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autofocus": True, "spellcheck": "false", "list": "candidates"}
        ),
    )
    role = forms.TypedChoiceField(coerce=int, choices=ROLES, widget=forms.RadioSelect, initial=Role.DEVELOPER)


class RoleForm(forms.Form):
    """A role for the chosen members."""

    role = forms.TypedChoiceField(
        coerce=int, choices=[("", "Role…"), *((role, role.label) for role, _ in ROLES)]
    )


class TagForm(forms.Form):
    """A new tag on an artifact."""

    name = forms.CharField(
        label="Tag",
        max_length=128,
        help_text="Letters, digits, and _ . - after the first character; 128 at most.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class DescriptionForm(forms.Form):
    """A repository's description."""

    description = forms.CharField(
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 14, "autofocus": True}),
        help_text="Plain text; line breaks and addresses are kept.",
    )


class ArtifactFilter(forms.Form):
    """What narrows a list of artifacts. Anything unknown narrows nothing."""

    KINDS: ClassVar[list[tuple[str, str]]] = [
        ("", "All types"),
        ("IMAGE", "Image"),
        ("INDEX", "Index"),
        ("CHART", "Chart"),
        ("CNAB", "CNAB"),
        ("WASM", "WASM"),
        ("SBOM", "SBOM"),
    ]
    TAGGED: ClassVar[list[tuple[str, str]]] = [("", "Tagged or not"), ("yes", "Tagged"), ("no", "Untagged")]

    q = forms.CharField(required=False, max_length=256)
    kind = forms.ChoiceField(required=False, choices=KINDS)
    tagged = forms.ChoiceField(required=False, choices=TAGGED)

    def chosen(self) -> dict[str, Any]:
        """The filters that were given and make sense."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in self.fields}
