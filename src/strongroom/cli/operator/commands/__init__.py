"""The commands of ``strongroom``: where each is defined, so that a call loads only what it needs, and what it is for.

The list of all commands is shown without loading any of them, so the first sentence of each help text stands here too.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: ``module:attribute`` in this package, and the first sentence of its help."""

    place: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "access-key": Entry("access_key:access_key", "Access keys of accounts for the control API."),
    "audit": Entry("audit:audit", "What HSMs were asked to do, by whom, and the proof of it."),
    "down": Entry("down:down", "Stop the service and all its HSMs cleanly."),
    "env": Entry("env:env", "Print export lines that make every tool work with the running service."),
    "exec": Entry(
        "execute:execute", "Run COMMAND against a throw-away installation with a cluster, and stop that again."
    ),
    "forward": Entry(
        "forward:forward",
        "Where HSM audit entries and trail events are sent: at least once, in order, while the service runs.",
    ),
    "limits": Entry("limits:limits", "Show what clusters may hold, or set it."),
    "logs": Entry("logs:logs", "Show the end of the service's log and of each HSM's."),
    "status": Entry("status:show_status", "Show the service, its subnets, and its clusters with their HSMs."),
    "store": Entry("store:store", "Decisions about a cluster's store."),
    "trail": Entry("trail:trail", "The record of every call to the APIs (CloudTrail)."),
    "up": Entry("up:up", "Start the service and its HSMs."),
    "wipe": Entry(
        "wipe:wipe",
        "Destroy every key and certificate that a crypto-user owns, in the cluster that STRONGROOM_CONFIG names.",
    ),
}
