"""Every background task of the source is supervised, or stands here with the reason why not."""

import ast
from collections.abc import Iterator
from pathlib import Path

import vivavoce

SOURCE = Path(vivavoce.__file__).parent
STARTERS = {"create_task", "ensure_future", "run_coroutine_threadsafe", "call_later", "call_at"}
THREADS = {"Thread", "Timer"}

AWAITED = {
    # Each is awaited by the function that starts it, which raises what it raises.
    "session/arrival.py": "the answers of the frames carry every failure",
    "recognition/slot.py": "the slot waits for its next work and for its worker's end",
    "recognition/worker_process.py": "the process waits for its spawning, its end and its output",
    "client/session.py": "the session's iterator raises what its connection raises",
    "cli/streaming.py": "the command waits for it",
    "cli/own_server.py": "the command waits for it",
    "load/streams.py": "the benchmark waits for it",
    "load/machine.py": "the benchmark waits for it",
    "load/listeners.py": "a task group",
    "session/runner.py": "a task group",
}

ANSWERED = {
    # What goes wrong becomes the outcome of whoever asked.
    "server/answering.py": "the connection raises what an answer failed with",
    "server/gateway.py": "the connection waits for its parts, and ends with the first",
    "session/live.py": "the answer for the audio carries every failure",
    "delivery/ledger.py": "each work has its own outcome",
}

CALLBACKS = {
    # Callbacks of the loop: a failure reaches its exception handler, which reports it.
    "server/coarse_timers.py": "wakes others, whose failures are reported one by one",
    "server/mute_watch.py": "looks at a quiet connection; the next chunk or poll looks again",
    "server/websocket/handshake_gate.py": "decides on handshakes; the next arrival decides again",
    "server/http/protocol.py": "ends a connection; the exchange answers for itself",
    "server/http/sending.py": "ends a connection whose client takes nothing",
    "server/websocket/asgi.py": "runs an application; its failure closes the connection",
    "server/websocket/frame_intake.py": "reads on once the token bucket has tokens again",
    "server/websocket/protocol.py": "clocks that end a connection",
    "server/read_receipts.py": "asks for proof; what is not proved is sent again",
    "archive/log_erasure.py": "tries again; logs what goes wrong in its thread",
    "journal/commits.py": "sends a probe to the writer",
}

OWN_THREADS = {
    "server/watchdog.py": "reports its failures and goes on",
}

SUPERVISION = {"supervision.py": "the supervisor itself"}

REASONS = AWAITED | ANSWERED | CALLBACKS | OWN_THREADS | SUPERVISION


def starters(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls that start something which goes on by itself."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name in STARTERS | THREADS:
            yield node


def found() -> dict[str, list[int]]:
    """Files that start background work, with the lines."""
    files: dict[str, list[int]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        lines = [call.lineno for call in starters(ast.parse(path.read_text()))]
        if lines:
            files[path.relative_to(SOURCE).as_posix()] = lines
    return files


def test_no_task_is_started_beside_the_supervisor_without_a_reason() -> None:
    unknown = {file: lines for file, lines in found().items() if file not in REASONS}
    assert not unknown, f"supervise these, or say why not: {unknown}"


def test_every_reason_is_for_something_that_is_there() -> None:
    assert set(REASONS) == set(found())


def test_what_starts_work_is_recognised() -> None:
    for text in (
        "asyncio.create_task(work())",
        "tasks.create_task(work())",
        "loop.call_later(1, work)",
        "threading.Thread(target=work)",
        "ensure_future(work())",
    ):
        assert list(starters(ast.parse(text)))
    assert not list(starters(ast.parse("supervisor.supervised('relay', relay.run)")))
