"""The tasks of an event loop that is about to end."""

from __future__ import annotations

import asyncio


async def cancel_all() -> None:
    """Cancel what else runs in this loop, and wait until it has ended."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
