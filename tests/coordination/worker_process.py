"""A worker in a process of its own: loads one cookie 50 times at once, prints what came of it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.redis import RedisRefreshCoordinator


async def serve(order: dict[str, Any]) -> None:
    config = AuthKitConfig(**order["settings"])
    coordinator = RedisRefreshCoordinator(
        order["redis_url"],
        cookie_password=config.cookie_password,
        timeout=config.refresh_timeout,
    )
    authkit = AuthKit(config, coordinator=coordinator)
    await authkit.open()
    print("ready", flush=True)  # noqa: T201  # the test waits for this line
    await asyncio.to_thread(sys.stdin.readline)
    loaded = await asyncio.gather(*(authkit.load([order["cookie"]]) for _ in range(50)))
    users = [each.auth.user and each.auth.user.id for each in loaded]
    await authkit.aclose()
    cookies = sorted({each.sealed for each in loaded if each.sealed})
    print(json.dumps({"users": users, "cookies": cookies}))  # noqa: T201  # its answer


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
