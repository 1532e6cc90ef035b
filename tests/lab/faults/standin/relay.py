"""Hands every connection on: relay.py AT TO, each ADDRESS:PORT, AT also unix:PATH."""

import asyncio
import sys


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def main(at, to):
    async def serve(reader, writer):
        host, _, port = to.rpartition(":")
        try:
            there = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    if at.startswith("unix:"):
        server = await asyncio.start_unix_server(serve, at.removeprefix("unix:"))
    else:
        host, _, port = at.rpartition(":")
        server = await asyncio.start_server(serve, host, int(port))
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
