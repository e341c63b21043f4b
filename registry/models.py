"""The tables of the content store. Which row may go when, and why nothing is lost, is docs/adr/0003.

Foreign keys are DO_NOTHING in Django and real constraints in the database: the constraint is the proof that something
is unreachable, so nothing may emulate cascades in Python.
"""

import uuid

from django.db import models
from django.db.models import DO_NOTHING, F, Q
from django.db.models.functions import Now

from registry.fields import AsciiCharField

DIGEST_LENGTH = 135  # "sha512:" and 128 hex digits


class Namespace(models.Model):
    """The first component of repository names; `projects` hangs a project on each."""

    name = AsciiCharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())
    # Accept a manifest or index although some of what it names is not here (distribution-spec: a registry MAY).
    allow_sparse_indexes = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name"], name="namespace_name")]

    def __str__(self) -> str:
        return str(self.name)


class Repository(models.Model):
    """A named set of manifests, tags and links to blobs. Made by the first upload; listed once it had a manifest."""

    namespace = models.ForeignKey(Namespace, DO_NOTHING, related_name="repositories")
    name = AsciiCharField(max_length=255)  # in full, with the namespace
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    # When a manifest came or a tag was set; what goes does not count, as in Harbor. NULL: nothing is pushed yet.
    pushed_at = models.DateTimeField(null=True)
    pull_count = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "repositories"
        constraints = [models.UniqueConstraint(fields=["name"], name="repository_name")]
        indexes = [
            models.Index(fields=["namespace", "name"], name="repository_by_namespace"),
            models.Index(fields=["namespace", "-pushed_at", "-id"], name="repository_by_push"),
        ]

    def __str__(self) -> str:
        return str(self.name)


class Blob(models.Model):
    """Bytes that are in the storage: `storage_key` holds exactly `size` bytes of this digest at every instant."""

    digest = AsciiCharField(max_length=DIGEST_LENGTH)
    size = models.BigIntegerField()
    storage_key = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="blob_digest"),
            models.UniqueConstraint(fields=["storage_key"], name="blob_storage_key"),
        ]


class RepositoryBlob(models.Model):
    """The link repository -> blob: visibility, lease and garbage queue in one row.

    `keep_until` NULL: a manifest uses it. Otherwise nothing did when it was last looked at, and it may go then.
    """

    repository = models.ForeignKey(Repository, DO_NOTHING, related_name="blob_links")
    blob = models.ForeignKey(Blob, DO_NOTHING, related_name="links", db_index=False)
    keep_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "blob"], name="repository_blob")]
        indexes = [
            models.Index(fields=["blob"], name="repository_blob_by_blob"),
            models.Index(
                fields=["keep_until"], name="repository_blob_queue", condition=Q(keep_until__isnull=False)
            ),
        ]


class Manifest(models.Model):
    """A manifest or index with its exact bytes, and what the pages want to know of it without parsing."""

    repository = models.ForeignKey(Repository, DO_NOTHING, related_name="manifests", db_index=False)
    digest = AsciiCharField(max_length=DIGEST_LENGTH)
    media_type = models.CharField(max_length=255)
    artifact_type = models.CharField(max_length=255, blank=True, default="")
    config_media_type = models.CharField(max_length=255, blank=True, default="")
    kind = models.CharField(max_length=64)  # IMAGE, INDEX, CHART ... (media_types.artifact_kind)
    payload = models.BinaryField()
    size = models.IntegerField()  # of the payload, bytes
    total_size = models.BigIntegerField()  # payload, config and layers, bytes; an index adds its children
    platform = models.CharField(max_length=128, blank=True, default="")  # "linux/arm64/v8", from the config
    subject_digest = AsciiCharField(max_length=DIGEST_LENGTH, null=True)
    annotations = models.JSONField(default=dict)
    keep_until = models.DateTimeField(null=True)
    pushed_at = models.DateTimeField(db_default=Now())
    pulled_at = models.DateTimeField(null=True)
    pull_count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "digest"], name="manifest_digest")]
        indexes = [
            models.Index(fields=["repository", "-pushed_at", "-id"], name="manifest_by_push"),
            models.Index(
                fields=["repository", "subject_digest"],
                name="manifest_by_subject",
                condition=Q(subject_digest__isnull=False),
            ),
            models.Index(fields=["keep_until"], name="manifest_queue", condition=Q(keep_until__isnull=False)),
        ]


class ManifestBlob(models.Model):
    """manifest -> blob, through the repository's own link, so that it can only name what its repository holds."""

    class Kind(models.TextChoices):
        CONFIG = "config"
        LAYER = "layer"
        BLOB = "blob"  # a non-manifest descriptor of an index (buildkit's cache)

    manifest = models.ForeignKey(Manifest, DO_NOTHING, related_name="blobs", db_index=False)
    link = models.ForeignKey(RepositoryBlob, DO_NOTHING, related_name="uses", db_index=False)
    kind = models.CharField(max_length=8, choices=Kind)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["manifest", "link"], name="manifest_blob")]
        indexes = [models.Index(fields=["link"], name="manifest_blob_by_link")]


class ManifestChild(models.Model):
    """index -> manifest."""

    parent = models.ForeignKey(Manifest, DO_NOTHING, related_name="children", db_index=False)
    child = models.ForeignKey(Manifest, DO_NOTHING, related_name="parents", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["parent", "child"], name="manifest_child")]
        indexes = [models.Index(fields=["child"], name="manifest_child_by_child")]


class MissingChild(models.Model):
    """What a sparse manifest or index names and that was not here when it came.

    `kind` is MANIFEST, whose push turns this into a ManifestChild, or a ManifestBlob.Kind, which garbage collection
    turns into a ManifestBlob when it finds the blob (services.references).
    """

    MANIFEST = "manifest"

    parent = models.ForeignKey(Manifest, DO_NOTHING, related_name="missing_children", db_index=False)
    digest = AsciiCharField(max_length=DIGEST_LENGTH)
    kind = models.CharField(max_length=8, default=MANIFEST)

    class Meta:
        verbose_name_plural = "missing children"
        constraints = [models.UniqueConstraint(fields=["parent", "digest"], name="missing_child")]
        indexes = [models.Index(fields=["digest"], name="missing_child_by_digest")]


class Tag(models.Model):
    """A name for a manifest."""

    repository = models.ForeignKey(Repository, DO_NOTHING, related_name="tags", db_index=False)
    name = AsciiCharField(max_length=128)
    manifest = models.ForeignKey(Manifest, DO_NOTHING, related_name="tags", db_index=False)
    pushed_at = models.DateTimeField(db_default=Now())
    pulled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "name"], name="tag_name")]
        indexes = [models.Index(fields=["manifest", "name"], name="tag_by_manifest")]

    def __str__(self) -> str:
        return str(self.name)


class Upload(models.Model):
    """An upload session. `offset` bytes are durable; `fence` names the writer that may go on (docs/adr/0003)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    repository = models.ForeignKey(Repository, DO_NOTHING, related_name="uploads")
    owner = models.CharField(max_length=255)  # the subject that opened it; others get BLOB_UPLOAD_UNKNOWN
    storage_key = models.CharField(max_length=64)
    offset = models.BigIntegerField(default=0)
    algorithm = models.CharField(max_length=16, default="sha256")
    hash_state = models.BinaryField(null=True)
    backend_state = models.JSONField(default=dict)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["storage_key"], name="upload_storage_key")]
        indexes = [models.Index(fields=["expires_at"], name="upload_by_expiry")]


class StorageGarbage(models.Model):
    """The outbox to the sweeper: a key that nothing names any more and that may go after `not_before`."""

    storage_key = models.CharField(max_length=64, primary_key=True)
    not_before = models.DateTimeField()
    attempts = models.IntegerField(default=0)

    class Meta:
        verbose_name_plural = "storage garbage"
        indexes = [models.Index(F("not_before"), name="storage_garbage_queue")]


class SigningKey(models.Model):
    """The RS256 key of the token service, made at first start; one row, shared by all nodes."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    private_pem = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_signing_key")]
