"""A server on a loop in a thread of its own, steered from any other thread."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

Given = TypeVar("Given")


class OwnLoop(ABC):
    """`with Server(...) as server:` listens; leaving it breaks what is open and ends the thread."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    @abstractmethod
    async def _up(self) -> None:
        """Listen."""

    @abstractmethod
    async def _down(self) -> None:
        """Listen no more, and let nobody stay connected."""

    def start(self) -> Self:
        """Raises OSError when a port is taken."""
        self._thread.start()
        try:
            self._do(self._up())
        except OSError:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _do(self, work: Coroutine[Any, Any, Given]) -> Given:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _end(self) -> None:
        await self._down()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Transports that were aborted or closed say goodbye in the next turn of the loop.
        await asyncio.sleep(0)
