"""What is a token and what is not; and how long what was once checked is remembered."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from registry import caches
from registry.models import SigningKey
from registry.ports import Access
from registry.services import tokens
from registry.services.signing import signing_key
from registry.tests.house import ALICE, FULL, READ, House

SCOPE = "repository:library/app:pull,push"
TAGS = "/v2/library/app/tags/list"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def code(answer: Any) -> str:
    return answer.json()["errors"][0]["code"]


@pytest.fixture
def token(house: House) -> str:
    """alice's, for library/app."""
    return tokens.issue("alice", [SCOPE]).token


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """Moves the clock of the caches on: to so many seconds from the moment of the call."""

    def move(seconds: float) -> None:
        moment = time.monotonic() + seconds
        monkeypatch.setattr(caches, "now", lambda: moment)

    return move


def forged(header: dict[str, Any], key: Any, **changes: Any) -> str:
    now = int(time.time())
    body: dict[str, Any] = {
        "iss": "harbor-token-issuer",
        "aud": "harbor-registry",
        "sub": "alice",
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "access": [{"type": "repository", "name": "library/app", "actions": ["pull"], "since": ""}],
    }
    body.update(changes)
    return jwt.encode(header, body, key, [header["alg"]])


def ours(**changes: Any) -> str:
    """Signed by us, with other claims."""
    return forged({"alg": "RS256", "kid": signing_key().kid}, signing_key(), **changes)


def with_hmac(secret: bytes) -> str:
    """A token of ours, signed anew as if what everybody knows were a secret."""

    def encoded(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    header = encoded(json.dumps({"alg": "HS256", "kid": signing_key().kid}).encode())
    signed = f"{header}.{ours().split('.')[1]}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


def test_a_good_one_is_good(client, house):
    assert code(client.get(TAGS, headers=bearer(ours()))) == "NAME_UNKNOWN"  # nothing pushed yet


BAD = {
    "empty": lambda: "",
    "no token": lambda: "abc",
    "three dots": lambda: "...",
    "not base64": lambda: "!.!.!",
    "not ASCII": lambda: "\xe4.\xf6.\xfc",
    "huge": lambda: "a" * 40_000,
    "alg none": lambda: "eyJhbGciOiJub25lIn0." + ours().split(".")[1] + ".",
    "HS256 with our public key": lambda: with_hmac(signing_key().as_pem(private=False)),
    "another's key": lambda: forged({"alg": "RS256", "kid": signing_key().kid}, RSAKey.generate_key(2048)),
    "another kid": lambda: forged({"alg": "RS256", "kid": "other"}, signing_key()),
    "no kid": lambda: forged({"alg": "RS256"}, signing_key()),
    "another audience": lambda: ours(aud="other"),
    "many audiences": lambda: ours(aud=["harbor-registry"]),
    "another issuer": lambda: ours(iss="other"),
    "expired": lambda: ours(exp=int(time.time()) - 1),
    "not yet valid": lambda: ours(nbf=int(time.time()) + 3600),
    "cut short": lambda: ours()[:-5],
}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_one_is_invalid_whatever_it_is_used_for(client, house, name):
    for path in ("/v2/", TAGS):
        answer = client.get(path, headers=bearer(BAD[name]()))
        assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")
        assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_a_token_for_one_repository_is_none_for_another(client, token):
    answer = client.get("/v2/library/other/tags/list", headers=bearer(token))
    assert answer.status_code == 401
    assert 'scope="repository:library/other:pull"' in answer["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in answer["WWW-Authenticate"]


@pytest.mark.parametrize("who", ["", "alice"])
def test_a_token_says_nothing_of_what_its_bearer_may_not_know(house, who):
    house.since = datetime.now(UTC)
    asked = [tokens.issue(who, [f"repository:{name}/app:pull"]).token for name in ("secret", "nowhere")]
    payloads = [json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")) for token in asked]
    secret, nowhere = (payload["access"][0] for payload in payloads)
    assert secret == nowhere | {"name": "secret/app"}


def test_a_token_gives_no_more_than_it_says(client, house):
    pull = tokens.issue("alice", ["repository:library/app:pull"]).token
    answer = client.post("/v2/library/app/blobs/uploads/", headers=bearer(pull))
    assert answer.status_code == 401
    assert 'scope="repository:library/app:pull,push"' in answer["WWW-Authenticate"]


def test_a_token_gives_no_more_than_the_role_does_now(client, house, token, clock):
    assert client.post("/v2/library/app/blobs/uploads/", headers=bearer(token)).status_code == 202
    house.rights["alice", "library"] = READ
    clock(5)
    answer = client.post("/v2/library/app/blobs/uploads/", headers=bearer(token))
    assert (answer.status_code, code(answer)) == (403, "DENIED")
    del house.rights["alice", "library"]
    clock(10)
    assert code(client.get(TAGS, headers=bearer(token))) == "NAME_UNKNOWN"


def test_a_token_dies_with_its_project_even_if_another_takes_the_name(client, house, token, clock):
    house.since = datetime.now(UTC)
    clock(5)
    answer = client.get(TAGS, headers=bearer(token))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]
    again = tokens.issue("alice", [SCOPE]).token
    assert client.get(TAGS, headers=bearer(again)).status_code == 404


def test_a_verified_token_is_not_remembered_past_its_end(client, house, token, settings, clock, monkeypatch):
    settings.REGISTRY_TOKEN_TTL = timedelta(seconds=90)
    short = tokens.issue("alice", [SCOPE]).token
    assert client.get("/v2/", headers=bearer(short)).status_code == 200
    clock(91)
    later = time.time() + 91
    monkeypatch.setattr("registry.services.tokens.time.time", lambda: later)
    assert client.get("/v2/", headers=bearer(short)).status_code == 401


def test_the_key_is_made_once(house):
    signing_key.cache_clear()
    first = signing_key().kid
    signing_key.cache_clear()
    assert signing_key().kid == first
    assert SigningKey.objects.count() == 1


def test_a_node_that_comes_second_takes_the_key_of_the_first(house, monkeypatch):
    """Both saw no key; the other one's row came first."""
    signing_key.cache_clear()
    other = RSAKey.generate_key(2048)
    made = RSAKey.generate_key

    def meanwhile(bits: int) -> RSAKey:
        SigningKey.objects.create(private_pem=other.as_pem(private=True).decode())
        return made(bits)

    monkeypatch.setattr(RSAKey, "generate_key", meanwhile)
    assert signing_key().thumbprint() == other.thumbprint()
    signing_key.cache_clear()


# --- passwords -----------------------------------------------------------------------------------------------------


def test_a_thousand_requests_hash_once(client, house):
    for _ in range(20):
        assert client.get("/v2/", headers=ALICE).status_code == 200
    assert house.hashed == 1


def test_wrong_passwords_are_checked_every_time(client, house):
    house.passwords["alice"] = "other"
    for _ in range(3):
        assert client.get("/v2/", headers=ALICE).status_code == 401
    assert house.hashed == 3


@pytest.mark.parametrize("now", ["changed", None])
def test_a_changed_password_is_noticed_within_five_seconds(client, house, clock, now):
    assert client.get("/v2/", headers=ALICE).status_code == 200
    house.passwords["alice"] = now
    clock(5)
    answer = client.get("/v2/", headers=ALICE)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Basic realm="harbor"')


def test_a_right_password_is_checked_again_after_five_minutes(client, house, clock):
    client.get("/v2/", headers=ALICE)
    clock(301)
    client.get("/v2/", headers=ALICE)
    assert house.hashed == 2


def test_a_password_that_changes_while_it_is_checked_is_not_remembered(client, house, monkeypatch):
    check = House.authenticate

    def slow(self: House, *arguments: Any, **more: Any) -> str | None:
        subject = check(self, *arguments, **more)
        self.passwords["alice"] = "changed meanwhile"
        return subject

    monkeypatch.setattr(House, "authenticate", slow)
    assert client.get("/v2/", headers=ALICE).status_code == 200
    assert client.get("/v2/", headers=ALICE).status_code == 401


def test_a_role_is_asked_once_in_five_seconds_and_a_refusal_always(client, house, monkeypatch, clock):
    asked: list[str] = []
    access = House.access

    def counted(self: House, subject: str, namespace: str) -> Access:
        asked.append(namespace)
        return access(self, subject, namespace)

    monkeypatch.setattr(House, "access", counted)
    for _ in range(3):
        client.get(TAGS, headers=ALICE)
    assert asked == ["library"]
    assert client.get("/v2/secret/app/tags/list", headers=ALICE).status_code == 404
    house.rights["alice", "secret"] = FULL
    assert (
        client.get("/v2/secret/app/tags/list", headers=ALICE)
        .json()["errors"][0]["message"]
        .startswith("repository")
    )
