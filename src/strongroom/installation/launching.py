"""How an HSM process of this installation is started."""

from __future__ import annotations

import sys

import msgspec

from strongroom.fleet.supervisor import Launch, LaunchPlan
from strongroom.installation.errors import InstallationError
from strongroom.installation.keys import root_key_provider
from strongroom.installation.settings import limits_of, load_settings
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.stores import Stores
from strongroom.unseal import RootKeyError
from strongroom.vocabulary.records import MembershipRecord


def launch_plan(state: StateDirectory, stores: Stores, *, allow_unlocked_memory: bool) -> LaunchPlan:
    """Each start opens the root key anew and hands its descriptor to the child."""

    def plan(cluster_id: str, member: MembershipRecord) -> Launch:
        directory = state.hsm(member.hsm_id)
        try:
            limits = limits_of(load_settings(state.settings), cluster_id)
            descriptor = root_key_provider(state).open()
        except (InstallationError, RootKeyError) as error:
            raise ValueError(str(error)) from error
        command = [sys.executable, "-m", "strongroom.hsm"]
        command += ["--store", stores.url(cluster_id), "--hsm-id", member.hsm_id, "--state-dir", str(directory)]
        command += ["--root-key-fd", str(descriptor), "--installation", str(state.sealed_installation)]
        for name, limit in msgspec.structs.asdict(limits).items():
            command += ["--limit", f"{name}={limit}"]
        if allow_unlocked_memory:
            command.append("--allow-unlocked-memory")
        return Launch(tuple(command), (descriptor,), directory)

    return plan
