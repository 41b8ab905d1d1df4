"""A real PgQueuer manager that fills its tables with jobs in every state."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import asyncpg
from pgqueuer import AsyncpgDriver, Job, Queries, QueueManager, RetryRequested
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.types import QueueEntrypoint, QueueExecutionMode, QueueManagerId


async def fill(dsn: str) -> None:
    """Create PgQueuer's tables, enqueue jobs, and work until no job is due."""
    connection = await asyncpg.connect(dsn)
    queries = Queries(AsyncpgDriver(connection))
    manager = QueueManager(queries)

    @manager.entrypoint("render")
    async def render(job: Job) -> None:
        if job.payload == b"0":
            raise ZeroDivisionError("no frames")

    @manager.entrypoint("upload", on_failure="hold")
    async def upload(job: Job) -> None:
        raise OSError("no room")

    @manager.entrypoint("fetch")
    async def fetch(job: Job) -> None:
        if not job.attempts:
            raise RetryRequested(timedelta(0), "no answer")

    await queries.install()
    for payload in (b"1", b"2", b"3", b"0", b"0"):
        await queries.enqueue("render", payload)
    for entrypoint in ("upload", "upload", "fetch"):
        await queries.enqueue(entrypoint, None)
    cancelled = await queries.enqueue("render", b"1")
    await queries.mark_job_as_cancelled(cancelled)
    await manager.run(mode=QueueExecutionMode.drain, log_aggregation_interval=timedelta(0))
    await queries.enqueue("fetch", None)
    await queries.clear_queue("fetch")
    # One job more than a manager picks that then dies.
    for _ in range(2):
        await queries.enqueue("render", b"1")
    await queries.enqueue("render", b"1", execute_after=timedelta(hours=1))
    await queries.dequeue(
        batch_size=1,
        entrypoints={QueueEntrypoint("render"): EntrypointExecutionParameter(0)},
        queue_manager_id=QueueManagerId(uuid4()),
        global_concurrency_limit=None,
        heartbeat_timeout=timedelta(minutes=1),
    )
    await connection.close()
