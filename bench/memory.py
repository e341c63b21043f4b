"""Memory of a server while one very large blob goes in and out."""

import hashlib

from bench.client import Connection
from bench.content import MIB, REPOSITORY, expect, finish, start
from bench.process import Peak
from bench.servers import Server


def rise(server: Server, mebibytes: int) -> tuple[float, float]:
    """MiB that the server's resident memory rises by during an upload and a download of one blob."""
    piece = bytes(range(256)) * (MIB // 256)
    sha = hashlib.sha256()
    for _ in range(mebibytes):
        sha.update(piece)
    name = "sha256:" + sha.hexdigest()
    with Connection(server.target) as connection:
        with Peak(server.pids[0]) as up:
            location = start(connection, REPOSITORY)
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(mebibytes * MIB)}
            pieces = (piece for _ in range(mebibytes))
            expect(connection.call("PUT", finish(location, name), headers, pieces=pieces), 201)
        with Peak(server.pids[0]) as down:
            expect(connection.call("GET", f"/v2/{REPOSITORY}/blobs/{name}"), 200)
    return up.above / MIB, down.above / MIB
