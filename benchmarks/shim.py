"""`/api/v2/write` of InfluxDB 2 mapped onto `/write` of InfluxDB 1, which Debian ships.

`python -m benchmarks.shim URL` passes bytes on, compressed ones as they are, and prints its own url
once it listens.
"""

import asyncio
import sys

import aiohttp
from aiohttp import web


async def main(target: str) -> None:
    """Serve until the process is ended."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def write(request: web.Request) -> web.Response:
            params = {"db": request.query["bucket"], "precision": request.query.get("precision", "ns")}
            headers = {"Content-Encoding": request.headers.get("Content-Encoding", "identity")}
            body = await request.read()
            async with session.post(f"{target}/write", params=params, data=body, headers=headers) as answer:
                return web.Response(status=answer.status, body=await answer.read())

        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/api/v2/write", write)
        runner = web.AppRunner(app, auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
