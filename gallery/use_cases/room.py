"""Room for the bytes of pictures that are held at the same time."""

import asyncio


class Room:
    """``size`` bytes to be taken and given back, by one taker at a time.

    A picture that is larger than all of them gets in when it is alone.
    """

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
