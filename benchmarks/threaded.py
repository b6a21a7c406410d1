"""The way that calibot replaces: five threads that look up, behind a Flask application; it keeps nothing on disk."""

import uuid
from concurrent.futures import Future, ThreadPoolExecutor

from flask import Flask, request

from benchmarks.paced import look_up

_WORKERS = 5


def make_app() -> Flask:
    """Return the application, for a server such as gunicorn."""
    app = Flask(__name__)
    pool = ThreadPoolExecutor(_WORKERS)
    tasks: dict[str, Future[str]] = {}

    def submit() -> dict[str, object]:
        task_id = str(uuid.uuid4())
        tasks[task_id] = pool.submit(look_up, request.get_json()["info_hash"])
        return {"success": True, "task_id": task_id, "status": "pending"}

    def done() -> dict[str, int]:
        return {"done": sum(task.done() for task in list(tasks.values()))}

    app.add_url_rule("/api/calibrate/async", view_func=submit, methods=["POST"])
    app.add_url_rule("/done", view_func=done)
    return app
