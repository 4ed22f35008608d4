"""The listening socket of the control API."""

import asyncio
import socket

from strongroom.installation.endpoint import Listen, bind


def test_a_reply_does_not_wait_for_the_acknowledgement_of_its_head():
    async def has_no_delay() -> int:
        accepted: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()
        listening = bind(Listen("127.0.0.1", 0), any_port=True)
        server = await asyncio.start_server(lambda _, writer: accepted.put_nowait(writer), sock=listening)
        async with server:
            _, client = await asyncio.open_connection(*listening.getsockname())
            writer = await accepted.get()
            found = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
            client.close()
        return int(found)

    assert asyncio.run(has_no_delay())
