"""A real Procrastinate worker that fills its tables with jobs in every state."""

from __future__ import annotations

from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.jobs import Status


async def fill(conninfo: str) -> None:
    """Create Procrastinate's tables, defer jobs, and work until no job is due."""
    app = App(connector=PsycopgConnector(conninfo=conninfo))

    @app.task
    async def render(frames: int) -> float:
        return 24 / frames

    @app.task(retry=RetryStrategy(max_attempts=1))
    async def upload(fails: bool) -> None:
        # A job that the worker runs twice; the second time fails, too.
        if fails:
            raise OSError("no room")

    @app.task(retry=RetryStrategy(max_attempts=3, wait=3600))
    async def fetch() -> None:
        raise TimeoutError("no answer")

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for frames in (1, 2, 3, 0, 0):
            await render.defer_async(frames=frames)
        for fails in (False, True):
            await upload.defer_async(fails=fails)
        await fetch.defer_async()
        cancelled = await render.defer_async(frames=1)
        await app.job_manager.cancel_job_by_id_async(cancelled)
        await app.run_worker_async(wait=False, install_signal_handlers=False)
        await render.configure(schedule_in={"hours": 1}).defer_async(frames=1)
        # One job more than workers fetch that then die; another one is aborted.
        for frames in (1, 2, 3):
            await render.defer_async(frames=frames)
        worker_id = await app.job_manager.register_worker()
        fetched = [
            await app.job_manager.fetch_job(queues=None, worker_id=worker_id) for _ in range(2)
        ]
        aborted = fetched[0]
        assert aborted is not None
        assert aborted.id is not None
        await app.job_manager.cancel_job_by_id_async(aborted.id, abort=True)
        await app.job_manager.finish_job_by_id_async(aborted.id, Status.ABORTED, delete_job=False)
