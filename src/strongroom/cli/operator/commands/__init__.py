"""The commands of ``strongroom``: a name and where it is defined, so that a call loads only what it needs."""

from __future__ import annotations

COMMANDS: dict[str, str] = {
    "access-key": "access_key:access_key",
    "audit": "audit:audit",
    "down": "down:down",
    "env": "env:env",
    "exec": "execute:execute",
    "forward": "forward:forward",
    "logs": "logs:logs",
    "status": "status:show_status",
    "store": "store:store",
    "trail": "trail:trail",
    "up": "up:up",
    "wipe": "wipe:wipe",
}
