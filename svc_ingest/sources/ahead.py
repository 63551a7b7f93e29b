"""Work done a few items ahead in threads, its results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def done_ahead(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[tuple[Item, Result], None, None]:
    """Pairs of an item and what `work` made of it, in order; holds at most `workers` + 2 items at a time.

    What `work` or `items` raise comes in its turn, after all pairs before it.
    """
    source, waiting = iter(items), deque[tuple[Item, Future[Result]]]()
    failure: Exception | None = None
    ended = False
    with ThreadPoolExecutor(workers) as pool:
        while waiting or not ended:
            try:
                while not ended and len(waiting) <= workers:
                    item = next(source)
                    waiting.append((item, pool.submit(work, item)))
            except StopIteration:
                ended = True
            except Exception as error:  # noqa: BLE001 - raised below, when its turn has come
                ended, failure = True, error
            if waiting:
                item, result = waiting.popleft()
                yield item, result.result()
    if failure:
        raise failure
