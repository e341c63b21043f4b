"""The RS256 key of the token service: made once, shared by all nodes through the database."""

from functools import cache

from joserfc.jwk import RSAKey

from registry.models import SigningKey

KEY_BITS = 2048  # 0.3 ms a signature; 4096 bits would cost 7


@cache
def signing_key() -> RSAKey:
    """The key, with its kid (RFC 7638 thumbprint). Nodes that start at the same time end up with the same one."""
    row = SigningKey.objects.filter(id=1).first()
    if row is None:
        pem = RSAKey.generate_key(KEY_BITS).as_pem(private=True).decode()
        SigningKey.objects.bulk_create([SigningKey(id=1, private_pem=pem)], ignore_conflicts=True)
        row = SigningKey.objects.get(id=1)
    key = RSAKey.import_key(row.private_pem)
    return RSAKey.import_key(row.private_pem, {"kid": key.thumbprint(), "use": "sig", "alg": "RS256"})
