"""Wake-ups between the processes that share a store: nobody polls, and a commit costs a few microseconds.

Each process that watches binds a Unix datagram socket in ``<store>.wake/``; who has committed sends one byte to each
socket there. A wake-up says only "look"; a lost one costs the watcher's fallback interval. A socket without a process
behind it is removed by the next sender.
"""

from __future__ import annotations

import errno
import os
import secrets
import socket
import threading
from collections.abc import Callable
from pathlib import Path

_GONE = {errno.ECONNREFUSED, errno.ENOENT}


class WakeUps:
    """One process's end. ``on_wake`` is called from a thread of its own; nothing is bound before :meth:`listen`."""

    def __init__(self, directory: Path, on_wake: Callable[[], None]) -> None:
        self._on_wake = on_wake
        directory.mkdir(mode=0o700, exist_ok=True)
        # Socket addresses are limited to 107 bytes, so the directory is named by its descriptor.
        self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._receiver: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False

    def listen(self) -> None:
        """Begin to receive; again is no error."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is not None or self._closed:
                return
            self._receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._receiver.bind(self._address(self._name))
            self._thread = threading.Thread(
                target=self._receive, args=(self._receiver,), name="store-wake", daemon=True
            )
            self._thread.start()

    def wake_all(self) -> None:
        """Tell every watcher of the store, this process's too. Never fails: a watcher looks by itself in the end."""
        self._on_wake()
        try:
            names = os.listdir(self._directory)  # noqa: PTH208 - a descriptor, not a path
        except OSError:
            return
        for name in names:
            if name == self._name:
                continue
            try:
                self._sender.sendto(b"\0", self._address(name))
            except OSError as error:
                if error.errno in _GONE:
                    self._remove(name)

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
        if self._receiver is not None and self._thread is not None:
            try:
                self._sender.sendto(b"\0", self._address(self._name))
            except OSError:
                # Somebody removed our socket file, so the wake-up must come from the socket itself.
                self._receiver.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._receiver.close()
            self._remove(self._name)
        self._sender.close()
        os.close(self._directory)

    def _receive(self, receiver: socket.socket) -> None:
        while not self._closed:
            receiver.recv(16)
            self._on_wake()

    def _address(self, name: str) -> str:
        return f"/proc/self/fd/{self._directory}/{name}"

    def _remove(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._directory)
        except FileNotFoundError:
            return
