"""Counts the lines of a URL with aiohttp, as its documentation shows."""
import asyncio
import sys

import aiohttp


async def main():
    lines = 0
    length = 0
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        async with session.get(sys.argv[1]) as response:
            async for line in response.content:
                lines += 1
                length += len(line) - 1
    print('{"lines":%d,"bytes":%d}' % (lines, length))


asyncio.run(main())
