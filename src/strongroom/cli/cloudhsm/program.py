"""One run of the program: its clusters, their logins, and where it reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from strongroom.cli.cloudhsm import output_format
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.cli.cloudhsm.output_format import OutputFormat
from strongroom.cli.cloudhsm.terminal import Terminal
from strongroom.client import ClientError, Cluster, Session, SignToken, credentials
from strongroom.client.credentials import PIN_VARIABLE, ROLE_VARIABLE, Credentials
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom.client.native import Password

OpenCluster = Callable[[str | None, str | None], Cluster]
"""Opens a cluster from the path of a configuration file and a cluster id; ``None`` means the default."""


class Program:
    """Holds what lives longer than one command. In single-command mode that is nothing but this command's login."""

    def __init__(self, terminal: Terminal, environment: Mapping[str, str], open_cluster: OpenCluster) -> None:
        self.terminal = terminal
        self.is_interactive = False
        self.output = OutputFormat.JSON
        """In what form the present command answers."""
        self._environment = environment
        self._open_cluster = open_cluster
        self._config: str | None = None
        self._cluster_id: str | None = None
        self._output = OutputFormat.JSON
        self._chosen: tuple[str | None, str | None] = (None, None)
        self._clusters: dict[tuple[str | None, str | None], Cluster] = {}
        self._sessions: dict[Cluster, Session] = {}

    def choose(self, config: str | None, cluster_id: str | None) -> None:
        """Say which cluster the next command is for; what is not given is the program's default."""
        self._chosen = (config or self._config, cluster_id or self._cluster_id)

    def choose_cluster(self, cluster_id: str) -> None:
        """Say of which cluster of the chosen configuration the present command is."""
        self._chosen = (self._chosen[0], cluster_id)

    def choose_output(self, words: Sequence[str]) -> None:
        """Take the form of the answer from a command's words, else the program's default."""
        self.output = output_format.asked_for(words) or self._output

    def keep_choice(self) -> None:
        """Make the present choices the defaults of the commands that follow."""
        self._config, self._cluster_id = self._chosen
        self._output = self.output

    def cluster(self) -> Cluster:
        """The chosen cluster; the same one, with its login, whether it was named or is the only one of its file."""
        if self._chosen not in self._clusters:
            opened = self._open_cluster(*self._chosen)
            for (config, _), known in self._clusters.items():
                if opened.cluster_id and (config, known.cluster_id) == (self._chosen[0], opened.cluster_id):
                    opened.close()
                    opened = known
                    break
            self._clusters[self._chosen] = opened
        return self._clusters[self._chosen]

    def login(self, username: str, role: Role, password: Password, sign_token: SignToken | None = None) -> Session:
        """Log in to the chosen cluster for the commands that follow, which are for it until another is named."""
        cluster = self.cluster()
        current = self._sessions.get(cluster)
        if current is not None:
            raise CommandError(f"{current.username} is logged in already; log out first: logout")
        session = cluster.login(username, role, password, sign_token=sign_token)
        self._sessions[cluster] = session
        if self.is_interactive:
            self._config, self._cluster_id = self._chosen
        return session

    def session(self) -> Session:
        """The login that a command runs under: interactively the one made with ``login``, else the environment's."""
        found = None if self.is_interactive or self._sessions else self._credentials()
        session = self._sessions.get(self.cluster())
        if session is not None:
            return session
        if found is None:
            raise CommandError("No user is logged in; log in first: login --username NAME --role admin|crypto-user")
        return self.login(found.username, found.role, found.password)

    def logout(self) -> None:
        """End the chosen cluster's login."""
        session = self.session()
        del self._sessions[self.cluster()]
        session.logout()

    def prompt(self) -> str:
        """The interactive prompt (aws-cloudhsm 4.1)."""
        if self._cluster_id is None:
            return "aws-cloudhsm > "
        cluster = self._clusters.get((self._config, self._cluster_id))
        session = None if cluster is None else self._sessions.get(cluster)
        return f"{session.username}@{self._cluster_id} > " if session else f"{self._cluster_id} > "

    def close(self) -> None:
        """End the logins that are left, so that no ticket outlives the program, and close the connections."""
        for session in self._sessions.values():
            try:
                session.logout()
            except ClientError as error:
                self.terminal.warn(f"{session.username} could not be logged out: {error}")
        for cluster in set(self._clusters.values()):
            cluster.close()
        self._sessions.clear()
        self._clusters.clear()

    def _credentials(self) -> Credentials:
        found = credentials.from_environment(self._environment)
        if found is None:
            raise CommandError(
                f"This command needs a login: set {ROLE_VARIABLE} (admin or crypto-user) and {PIN_VARIABLE} "
                "(user:password), or use it in `cloudhsm-cli interactive` after `login`."
            )
        return found
