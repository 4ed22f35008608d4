"""A TCP relay between clients and an HSM: a network that can stop carrying anything without closing anything."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Listens on a loopback port of its own and forwards to ``target``; :meth:`cut` and :meth:`mend` at any time."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._carries = threading.Event()
        self._carries.set()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """From now on nothing arrives; connections stay open, and new ones seem to be taken."""
        self._carries.clear()

    def mend(self) -> None:
        """What was sent meanwhile arrives, and everything after it."""
        self._carries.set()

    def close(self) -> None:
        self._carries.set()
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                self._carries.wait()
                far = socket.create_connection(self._target)
            except OSError:
                return  # closed
            self._sockets += (near, far)
            for source, sink in ((near, far), (far, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._carries.wait()
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
