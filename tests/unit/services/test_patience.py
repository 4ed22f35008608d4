"""The event loop under peers that make connections faster than it looks at them."""

from __future__ import annotations

import asyncio
import socket

from strongroom.services.patience import CONNECTIONS_OF_A_TURN, PatientLoop

WAITING = 200


class Counted(asyncio.Protocol):
    def __init__(self, made: list[int], turn: list[int]) -> None:
        self._made, self._turn = made, turn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._made.append(self._turn[0])
        transport.close()


async def turns_of(waiting: int) -> list[int]:
    """The number of the turn of the loop in which each connection was made, of so many that wait beforehand."""
    loop = asyncio.get_running_loop()
    made: list[int] = []
    turn = [0]

    def count() -> None:
        turn[0] += 1
        loop.call_soon(count)

    with socket.create_server(("127.0.0.1", 0)) as sock:
        server = await loop.create_server(lambda: Counted(made, turn), sock=sock, backlog=2 * waiting)
        peers = [socket.create_connection(sock.getsockname(), 5) for _ in range(waiting)]
        count()
        async with asyncio.timeout(20):
            while len(made) < waiting:
                await asyncio.sleep(0)
        for peer in peers:
            peer.close()
        server.close()
    return made


def test_a_loop_takes_few_new_connections_in_one_turn_and_lets_many_wait():
    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        made = runner.run(turns_of(WAITING))
    assert max(made.count(turn) for turn in made) <= CONNECTIONS_OF_A_TURN
