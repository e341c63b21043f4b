"""The checks of the conformance suite, group by group."""

import json
import os
from collections.abc import Callable, Iterable
from functools import partial

from registry.digests import Digest
from registry.media_types import OCI_INDEX, OCI_MANIFEST
from registry.tests.conformance.client import Client
from registry.tests.conformance.data import SETS, DataSet, Descriptor
from registry.tests.conformance.pushes import BlobPusher
from registry.tests.conformance.report import Report, wanted

BAD_DIGEST = "sha256:baddigeststring"


class Checks:
    """The checks against one server by one client, who has two repositories."""

    def __init__(self, client: Client, repositories: tuple[str, str]) -> None:
        self.client = client
        self.first, self.second = repositories
        self.report = Report()
        self.pusher = BlobPusher(client, self.first)

    def run(self, group: str) -> None:
        """Runs the checks whose names begin with `group`."""
        if group in SETS:
            self._data_set(group, SETS[group]())
        elif group.endswith(" blobs"):
            self._blobs(group, group.removesuffix(" blobs"))
        else:
            getattr(self, "_" + group.replace("-", "_"))(group)

    # --- what needs no data -----------------------------------------------------------------------------------

    def _ping(self, name: str) -> None:
        with self.report.check(name):
            self.client.ask("GET", "/v2/", expect=200)

    def _empty(self, name: str) -> None:
        with self.report.check(f"{name}/tag list"):
            self._tag_list()
        with self.report.check(f"{name}/referrers"):
            assert self._referrers(Digest.of(os.urandom(8))) == []

    def _missing_manifest(self, name: str) -> None:
        for what, reference in (
            ("by-digest", Digest.of(os.urandom(8))),
            ("by-tag", f"missing-{os.urandom(8).hex()}"),
        ):
            with self.report.check(f"{name}/{what}"):
                self.client.ask("GET", self._manifest(reference), expect=404)

    def _invalid_digest_format(self, name: str) -> None:
        made = DataSet()
        made.image(layers=1)
        self._push_blobs(name, made)
        with self.report.check(f"{name}/manifest-put"):
            for data in made.manifests.values():
                self._put(BAD_DIGEST, data, expect=400)
        with self.report.check(f"{name}/manifest-get"):
            self.client.ask("GET", self._manifest(BAD_DIGEST), expect={400, 404})
        self._delete(f"{name}/delete", made)

    # --- blobs ------------------------------------------------------------------------------------------------

    def _blobs(self, group: str, algorithm: str) -> None:
        missing = Digest.of(os.urandom(512), algorithm)
        with self.report.check(f"{group}/get-missing"):
            self.client.ask("GET", self._blob(missing), expect=404)
        pusher = self.pusher
        simple: dict[str, tuple[str, int, Callable[[str, bytes], None]]] = {
            "post only": ("blob-post-only", 512, pusher.post_only),
            "post+put": ("blob-post-put", 512, pusher.post_put),
            "chunked single": ("blob-patch-chunked", 512, pusher.chunked),
            "stream": ("blob-patch-stream", 512, pusher.stream),
            "mount": ("blob-mount", 512, self._mount),
            "mount anonymous": ("blob-mount-anonymous", 512, self._mount_anonymous),
            "mount missing": (
                "blob-mount",
                512,
                partial(pusher.mount_missing, source=self.second),
            ),
            "chunked multi": ("blob-patch-chunked", 3067, pusher.chunked),
            "chunked multi and put chunk": (
                "blob-patch-chunked",
                3067,
                partial(pusher.chunked, put_last=True),
            ),
            "chunked out-of-order": (
                "blob-patch-chunked",
                3067,
                partial(pusher.chunked, out_of_order=True),
            ),
            "chunked out-of-order and put chunk": (
                "blob-patch-chunked",
                3067,
                partial(pusher.chunked, put_last=True, out_of_order=True),
            ),
            "empty": ("blob-post-put", 0, pusher.post_put),
        }
        for name, (check, size, push) in simple.items():
            self._blob_life(f"{group}/{name}", check, os.urandom(size), algorithm, push)
        self._blob_life(f"{group}/emptyJSON", "blob-post-put", b"{}", algorithm, pusher.post_put)
        with self.report.check(f"{group}/post cancel/blob-post-cancel"):
            pusher.cancel()
        self._delete_blobs(f"{group}/post cancel", [missing])
        self._ranges(f"{group}/range requests", algorithm)
        self._bad_digests(group, algorithm)

    def _blob_life(
        self, name: str, check: str, data: bytes, algorithm: str, push: Callable[[str, bytes], None]
    ) -> None:
        """Push, look, pull, delete."""
        digest = Digest.of(data, algorithm)
        mounted = "/mount" in name
        if mounted and "missing" not in name:
            self._push(name, {digest: data}, BlobPusher(self.client, self.second))
        elif check == "blob-post-put":
            self._push(name, {digest: data}, self.pusher)
        if check != "blob-post-put" or not wanted(f"{name}/{check}"):
            with self.report.check(f"{name}/{check}"):
                push(digest, data)
        self._look(name, "blob-head", "blob-get", {digest: data})
        self._delete_blobs(name, [digest])
        if mounted:
            self._delete_blobs(name, [digest], self.second)

    def _mount(self, digest: str, data: bytes) -> None:
        self.pusher.mount(digest, data, source=self.second)

    def _mount_anonymous(self, digest: str, data: bytes) -> None:
        self.pusher.mount(digest, data)

    def _ranges(self, name: str, algorithm: str) -> None:
        data = os.urandom(2048)
        digest = Digest.of(data, algorithm)
        self._push(name, {digest: data}, self.pusher)
        good = {"500-1499": data[500:1500], "500-": data[500:], "-500": data[-500:], "2000-5000": data[2000:]}
        for text, part in good.items():
            with self.report.check(f"{name}/range {text}"):
                answer = self.client.ask(
                    "GET", self._blob(digest), expect=206, headers={"Range": f"bytes={text}"}
                )
                start = data.index(part)
                assert answer.body == part
                assert answer.header("Content-Length") == str(len(part))
                assert answer.header("Content-Range") == f"bytes {start}-{start + len(part) - 1}/2048"
        for text in ("500-0", "5000-10000"):
            with self.report.check(f"{name}/range {text}"):
                self.client.ask("GET", self._blob(digest), expect=416, headers={"Range": f"bytes={text}"})
        self._delete_blobs(name, [digest])

    def _bad_digests(self, group: str, algorithm: str) -> None:
        pusher = BlobPusher(self.client, self.first, bad=True)
        ways: dict[str, tuple[str, Callable[[str, bytes], None]]] = {
            "post only": ("blob-post-only", pusher.post_only),
            "post+put": ("blob-post-put", pusher.post_put),
            "chunked": ("blob-patch-chunked", pusher.chunked),
            "chunked and put chunk": (
                "blob-patch-chunked",
                partial(pusher.chunked, put_last=True),
            ),
            "stream": ("blob-patch-stream", pusher.stream),
        }
        for name, (check, push) in ways.items():
            with self.report.check(f"{group}/bad digest {name}/{check}"):
                push(Digest.of(os.urandom(8), algorithm), os.urandom(3067))

    # --- data sets --------------------------------------------------------------------------------------------

    def _data_set(self, name: str, made: DataSet) -> None:
        self._push_blobs(f"{name}/push", made)
        self._push_manifests(f"{name}/push", made)
        with self.report.check(f"{name}/tag-list"):
            self._listed(made)
        self._look(f"{name}/head", "blob-head", "", made.blobs)
        self._look(f"{name}/pull", "", "blob-get", made.blobs)
        if not made.bad:
            self._pull(name, made)
        if made.referrers:
            with self.report.check(f"{name}/referrers"):
                self._referred(made)
        self._delete(f"{name}/delete", made)

    def _push_manifests(self, name: str, made: DataSet) -> None:
        for digest, data in made.manifests.items():
            with self.report.check(f"{name}/manifest-by-digest"):
                tags = [tag for tag, each in made.tags.items() if each == digest and made.tag_params]
                self._put(digest, data, expect=400 if made.bad else 201, tags=tags)
        for tag, digest in made.tags.items():
            if wanted(f"{name}/manifest-by-tag") and made.algorithm == "sha256":
                with self.report.check(f"{name}/manifest-by-tag"):
                    self._put(tag, made.manifests[digest], expect=201)
            elif made.tag_params:  # a push by tag would make it a sha256 manifest
                with self.report.check(f"{name}/manifest-by-tag"):
                    self._put(digest, made.manifests[digest], expect=201, tags=[tag])

    def _put(self, reference: str, data: bytes, *, expect: int, tags: Iterable[str] = ()) -> None:
        headers = {"Content-Type": OCI_MANIFEST if b'"' + OCI_MANIFEST.encode() in data[:90] else OCI_INDEX}
        answer = self.client.ask(
            "PUT",
            self._manifest(reference),
            expect=expect,
            body=data,
            headers=headers,
            query={"tag": list(tags)},
        )
        if expect == 201:
            taken = {tag.strip() for line in answer.headers.get_all("OCI-Tag", []) for tag in line.split(",")}
            assert set(tags) <= taken, f"OCI-Tag has only {taken}"
            location = answer.header("Location")
            again = self.client.ask(
                "GET", location, expect=200, headers={"Accept": [OCI_INDEX, OCI_MANIFEST]}
            )
            assert (again.body, again.header("Content-Type")) == (data, headers["Content-Type"])
            _check_subject(data, answer.headers.get("OCI-Subject"))

    def _listed(self, made: DataSet) -> None:
        tags = self._tag_list()
        assert tags == sorted(tags)
        assert set(made.tags) <= set(tags)
        if len(tags) >= 2:
            half = len(tags) // 2
            assert self._tag_list(last=tags[half - 1]) == tags[half:]
        assert self._tag_list(n="0") == []

    def _pull(self, name: str, made: DataSet) -> None:
        for kind, references in (
            ("tag", made.tags),
            ("digest", {digest: digest for digest in made.manifests}),
        ):
            for reference, digest in references.items():
                data = made.manifests[digest]
                with self.report.check(f"{name}/head/manifest-head-by-{kind}"):
                    assert self._get_manifest("HEAD", reference, digest, data) == b""
                with self.report.check(f"{name}/pull/manifest-by-{kind}"):
                    assert self._get_manifest("GET", reference, digest, data) == data

    def _get_manifest(self, method: str, reference: str, digest: str, data: bytes) -> bytes:
        accept = {"Accept": [OCI_INDEX, OCI_MANIFEST]}
        answer = self.client.ask(method, self._manifest(reference), expect=200, headers=accept)
        assert answer.header("Docker-Content-Digest") == digest
        assert answer.header("Content-Length") == str(len(data))
        assert answer.header("Content-Type").encode() in data
        return answer.body

    def _referred(self, made: DataSet) -> None:
        for subject, expected in made.referrers.items():
            _check_descriptors(self._referrers(subject), expected)
            for artifact_type in {each["artifactType"] for each in expected}:
                of_type = [each for each in expected if each["artifactType"] == artifact_type]
                _check_descriptors(self._referrers(subject, artifact_type), of_type)

    def _referrers(self, digest: str, artifact_type: str = "") -> list[dict[str, object]]:
        query = {"artifactType": artifact_type} if artifact_type else {}
        answer = self.client.ask("GET", f"/v2/{self.first}/referrers/{digest}", expect=200, query=query)
        assert answer.header("Content-Type") == OCI_INDEX
        assert answer.headers.get("OCI-Filters-Applied", "") == ("artifactType" if artifact_type else "")
        index = answer.json()
        assert (index["schemaVersion"], index["mediaType"]) == (2, OCI_INDEX)
        return list(index["manifests"])

    def _tag_list(self, **query: str) -> list[str]:
        answer = self.client.ask("GET", f"/v2/{self.first}/tags/list", expect={200, 404}, query=query)
        return list(answer.json()["tags"]) if answer.status == 200 else []

    def _delete(self, name: str, made: DataSet) -> None:
        for tag in made.tags:
            with self.report.check(f"{name}/tag-delete"):
                self._gone(self._manifest(tag))
        for digest in reversed(made.manifests):  # parents first
            with self.report.check(f"{name}/manifest-delete"):
                self._gone(self._manifest(digest))
        self._delete_blobs(name, made.blobs)

    # --- what the groups share --------------------------------------------------------------------------------

    def _push_blobs(self, name: str, made: DataSet) -> None:
        self._push(name, made.blobs, self.pusher)

    def _push(self, name: str, blobs: dict[str, bytes], pusher: BlobPusher) -> None:
        """Each blob in every way that the suite has a name for."""
        for way, push in pusher.ways.items():
            for digest, data in blobs.items():
                if wanted(f"{name}/{way}"):
                    with self.report.check(f"{name}/{way}"):
                        push(digest, data)

    def _look(self, name: str, head: str, get: str, blobs: dict[str, bytes]) -> None:
        for digest, data in blobs.items():
            for method, check, body in (("HEAD", head, b""), ("GET", get, data)):
                if check and wanted(f"{name}/{check}"):
                    with self.report.check(f"{name}/{check}"):
                        answer = self.client.ask(method, self._blob(digest), expect=200)
                        assert answer.body == body
                        assert answer.header("Content-Length") == str(len(data))
                        assert answer.header("Docker-Content-Digest") == digest

    def _delete_blobs(self, name: str, digests: Iterable[str], repository: str = "") -> None:
        for digest in digests:
            with self.report.check(f"{name}/blob-delete"):
                self._gone(self._blob(digest, repository))

    def _gone(self, path: str) -> None:
        self.client.ask("DELETE", path, expect={202, 404})
        self.client.ask("HEAD", path, expect=404)

    def _manifest(self, reference: str) -> str:
        return f"/v2/{self.first}/manifests/{reference}"

    def _blob(self, digest: str, repository: str = "") -> str:
        return f"/v2/{repository or self.first}/blobs/{digest}"


def _check_subject(data: bytes, header: str | None) -> None:
    subject = json.loads(data).get("subject")
    assert header == (subject and subject["digest"]), f"OCI-Subject is {header}"


def _check_descriptors(found: list[dict[str, object]], expected: list[Descriptor]) -> None:
    """The same referrers in any order; the suite looks at what a descriptor must have."""
    assert {each["digest"] for each in found} == {each["digest"] for each in expected}
    by_digest = {each["digest"]: each for each in found}
    for each in expected:
        assert by_digest[each["digest"]] == {name: value for name, value in each.items() if value}
