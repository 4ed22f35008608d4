"""What Strongroom promises of its speed: each piece of work, what it is compared with, and how it must come out."""

from __future__ import annotations

from benchmarks.comparison import Bar, Promise
from benchmarks.load import Work

SOFTHSM = "SoftHSM2"
OPENSSL = "openssl speed"

PROMISES = (
    Promise(
        Work("P-256 sign, 1 thread", "ecdsa:p256", 1, key="p256"),
        (Bar(SOFTHSM, floor=0.55, aim=0.7),),
    ),
    Promise(
        Work("P-256 sign, 16 threads", "ecdsa:p256", 16, key="p256", openssl="ecdsap256"),
        (Bar(SOFTHSM, floor=1.5, aim=2.0), Bar(OPENSSL, floor=0.4, aim=0.5)),
    ),
    Promise(
        Work("P-384 sign, 16 threads", "ecdsa:p384", 16, key="p384"),
        (Bar(SOFTHSM, floor=4, aim=6),),
    ),
    Promise(
        Work("RSA-2048 sign, 16 threads", "rsa-pkcs:rsa2048", 16, key="rsa2048", openssl="rsa2048"),
        (Bar(OPENSSL, floor=0.9, aim=0.95),),
    ),
    Promise(
        Work("AES-256-GCM encrypt 1 KiB, 16 threads", "aes-gcm:aes256:1024", 16, key="aes256"),
        (Bar(SOFTHSM, floor=0.8, aim=1.0),),
    ),
    Promise(
        Work("AES-256-GCM encrypt 16 KiB, 16 threads", "aes-gcm:aes256:16384", 16, key="aes256"),
        (Bar(SOFTHSM, floor=0.6, aim=0.8),),
    ),
    Promise(
        Work("durable AES-256 token key, 32 threads", "generate-aes:durable-", 32),
        (Bar(SOFTHSM, floor=2, aim=4),),
    ),
)

UNAUDITED = "without audit entries"
AUDITED = Promise(
    Work("durable AES-256 token key with its audit entry, 32 threads", "generate-aes:audited-", 32),
    (Bar(UNAUDITED, floor=0.8, aim=0.9),),
)

FIND_KEYS = 10_000
FIND = Promise(
    Work(f"find by label among {FIND_KEYS:,} keys", f"find:found-:{FIND_KEYS}", 1),
    (Bar(SOFTHSM, floor=20, aim=100),),
)

MANY_KEYS = 100_000 - 100
"""What clusters are made for, less room for the keys of the other works."""
ROOM = ("--limit", "max_keys=100000", "--limit", "max_asymmetric_keys=100000")
"""AWS's limits are lower."""
FIND_SLOWDOWN_CEILING = 1.15
"""A search among :data:`MANY_KEYS` takes at most so many times that among :data:`FIND_KEYS` (medians)."""
MEMORY_CEILING_MIB = 400
RESTART_CEILING_SECONDS = 10.0

CONNECTIONS = 10_000
"""As many as an HSM takes."""
CONNECTIONS_CEILING_MIB = 300
"""Of memory above that of the idle HSM."""

FLOOD_SLOWDOWN_CEILING = 0.10
"""A flood of failed logins slows signing by at most this part."""
PASSWORD_CHECK_CEILING_MS = 50.0
HONEST_P99_CEILING = 5.0
"""Beside a crowd of hostile peers an honest caller's p99 is at most so many times that without them."""

METRICS_CEILING = 0.02
"""Metrics take at most this part of a signature's CPU time."""
METRICS_RUNS = 40
METRICS_SECONDS = 2.0
"""For one run: short ones, so that both of a pair find the machine the same."""

LOG_FILTER_CEILING_MS = 200.0
"""For a filter over the newest hour of a million audit entries."""

EPHEMERAL_CEILING_SECONDS = 5.0
"""From the start of a throw-away installation until its crypto-user has logged in."""
