"""Room for the bytes of pictures that are held at the same time."""

import asyncio


class Room:
    """So many bytes; what is larger than all of them gets in alone. For one taker at a time."""

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._given = asyncio.Event()

    async def take(self, size: int) -> None:
        """Wait until ``size`` bytes are free, and take them."""
        while self._free < min(size, self._size):
            self._given.clear()
            await self._given.wait()
        self._free -= size

    def give(self, size: int) -> None:
        """Give bytes back."""
        self._free += size
        self._given.set()
