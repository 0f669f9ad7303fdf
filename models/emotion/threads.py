"""How many processor threads torch may use."""

from __future__ import annotations

import torch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


def use_one_thread() -> None:
    """Let torch work on the calling thread alone, from now on.

    The networks here are small: threads that wait for each other cost more than they bring. Unlike
    `torch.set_num_threads` this leaves other threads, and those begun later, as they are.
    """
    # A thread's first question sets its number of threads, so it must not come after the limit.
    torch.get_num_threads()
    ThreadpoolController().limit(limits=1, user_api="openmp")
