"""A process that submits lookups over HTTP, each when it is due, whether or not those before were answered."""

import asyncio
import json
import os
import sys
import time

import aiohttp

from benchmarks.processes import answer

_PATIENCE = aiohttp.ClientTimeout(total=60)


async def _load(address: str, token: str, rate: float, seconds: float) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    took: list[float] = []
    late: list[float] = []
    errors = 0

    async with aiohttp.ClientSession(
        address, headers=headers, timeout=_PATIENCE, connector=aiohttp.TCPConnector(limit=0)
    ) as session:

        async def submit(due: float) -> None:
            nonlocal errors
            late.append(time.perf_counter() - due)
            try:
                body = json.dumps({"info_hash": os.urandom(20).hex()})
                async with session.post("/api/calibrate/async", data=body) as response:
                    if response.status != 200 or not (await response.json())["success"]:  # noqa: PLR2004 - OK
                        errors += 1
            except (aiohttp.ClientError, TimeoutError):
                errors += 1
            took.append(time.perf_counter() - due)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(round(rate * seconds)):
                due = began + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(submit(due))
    answer({"took": took, "late": late, "errors": errors})


if __name__ == "__main__":
    asyncio.run(_load(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
