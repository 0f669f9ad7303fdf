"""Recordings through Ray Data: a pool of actors does them, and their rows come as they are finished."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lipstream.commands.batch.cluster import WORKER_MEMORY
from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.rows import Row
from lipstream.commands.batch.worker import RECORDING, ROW, Attempts, Job, Worker

_MOST_BLOCKS = 10_000
"""Ray keeps an object for each block. With more recordings, several share one; their rows still come one by one."""


def rows_of(
    recordings: Sequence[Recording], job: Job, workers: int | None, shared_machines: bool
) -> Iterator[tuple[Recording, Row]]:
    """Do recordings, and give each with its row as soon as it is finished.

    What a lost worker or a lost machine had in hand is begun again elsewhere, up to `ATTEMPTS` times. No more is handed
    out than the workers and one recording ahead of each, so that memory does not grow with the number of recordings.

    Args:
        recordings: at least one; those that take longest first.
        job: what is to be done with each.
        workers: how many at most; None for as many as the cluster has room for.
        shared_machines: whether others use the machines: each worker then asks for its memory beside its core.
    """
    import ray
    import ray.data

    _prepare(ray.data.DataContext.get_current())
    counter = _counter(ray)
    items = [{RECORDING: each.to_json()} for each in recordings]
    size = min(len(items), workers or max(1, int(ray.cluster_resources().get("CPU", 1))))
    pool = ray.data.ActorPoolStrategy(
        min_size=1, initial_size=size, max_size=None if workers is None else size, max_tasks_in_flight_per_actor=2
    )
    done = ray.data.from_items(items, override_num_blocks=min(len(items), _MOST_BLOCKS)).map(
        Worker,
        fn_constructor_args=(job, _Begin(counter)),
        compute=pool,
        num_cpus=1,
        **({"memory": WORKER_MEMORY} if shared_machines else {}),
    )
    for batch in done.iter_batches(batch_size=None, prefetch_batches=0, batch_format="pyarrow"):
        for item in batch.to_pylist():
            yield Recording.from_json(item[RECORDING]), Row.from_json(item[ROW])


class _Begin:
    """Asks the counter of all workers."""

    def __init__(self, counter: Any) -> None:  # noqa: ANN401 - Ray's handles have no type that tells anything
        self._counter = counter

    def __call__(self, key: str) -> int:
        import ray

        count: int = ray.get(self._counter.begin.remote(key))
        return count


def _counter(ray: Any) -> Any:  # noqa: ANN401
    """On the driver's own machine: if that is lost, so is the driver."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(num_cpus=0, scheduling_strategy=here)(Attempts).remote()


def _prepare(context: Any) -> None:  # noqa: ANN401
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # A block is handed on once it is so large: so each row is at once.
    context.target_max_block_size = 1
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


Engine = Callable[[Sequence[Recording], Job], Iterator[tuple[Recording, Row]]]
"""What has recordings done; in tests without Ray."""
