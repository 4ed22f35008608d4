"""A process that signs with keys on one HSM, one key after the other, until that is refused; for tests of unsharing.

``signing_loop.py ADDRESS PORT USERNAME PASSWORD KEY…`` prints a line ``begun`` after the first signature of a key and,
once 50 attempts in a row were refused, a JSON line with what became of it. Times are of the system's monotonic clock,
which is one for all processes.
"""

from __future__ import annotations

import json
import sys
import time

from frames import Peer, Refused

DIGEST = bytes(range(32))
REFUSALS = 50


def main() -> None:
    address, port, username, password, *keys = sys.argv[1:]
    with Peer(address, int(port)) as peer:
        peer.hello()
        peer.login(username, password)
        for key in map(int, keys):
            print(json.dumps(sign(peer, key)), flush=True)


def sign(peer: Peer, key: int) -> dict[str, object]:
    signatures, refusals, last_asked, codes = 0, 0, 0.0, set()
    while refusals < REFUSALS:
        asked = time.monotonic()
        try:
            peer.sign(key, DIGEST)
        except Refused as refusal:
            refusals += 1
            codes.add(refusal.rv)
            continue
        last_asked, signatures, refusals = asked, signatures + 1, 0
        if signatures == 1:
            print("begun", flush=True)
    return {"signatures": signatures, "last_asked": last_asked, "codes": sorted(codes)}


if __name__ == "__main__":
    main()
