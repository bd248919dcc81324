"""One request made into a job of one: answered within a day, at the vendor's batch rates.

Anthropic's and Mistral's jobs have their requests in them; OpenAI's name a file of them, which is uploaded first. Perplexity and
the router of Hugging Face have no jobs: there this is no option, and the policy's next one is taken, or the call refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fiscus.guardrails.doors.ai.types import AiAsk, Endpoint
from fiscus.guardrails.doors.ai.wires.read_body import read_document

QUEUES: Final[Mapping[str, frozenset[Endpoint]]] = {  # wire -> what of it may be queued
    "openai": frozenset({"chat", "responses"}),
    "anthropic": frozenset({"messages"}),
    "mistral": frozenset({"chat"}),
}
_PATHS: Final[Mapping[str, str]] = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
WITHIN_HOURS: Final = 24
_NOT_IN_JOBS: Final = frozenset({"stream", "stream_options", "service_tier", "speed"})
_LINE_END: Final = "\r\n"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a job names."""

    path: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """`body`: of the job, by the id of its upload; empty where it has none."""

    path: str
    body: Callable[[str], bytes]
    upload: Upload | None = None


def may_queue(wire: str, ask: AiAsk) -> bool:
    """Whether the request can be made into a job: nobody waits for its stream, and no path says which model answers."""
    return ask.endpoint in QUEUES.get(wire, ()) and not ask.stream and not ask.model_fixed


def queued_job(wire: str, ask: AiAsk, sent: bytes, name: str) -> QueuedJob:
    """The job of a request as it would be `sent`. `name` tells its result."""
    document = {key: value for key, value in read_document(sent).items() if key not in _NOT_IN_JOBS}
    if wire == "anthropic":
        job = _json({"requests": [{"custom_id": name, "params": document}]})
        return QueuedJob("/v1/messages/batches", lambda _: job)
    path = _PATHS[ask.endpoint]
    if wire == "mistral":  # the model is said once, for the whole job
        model = document.pop("model")
        requests = [{"custom_id": name, "body": document}]
        job = _json({"endpoint": path, "model": model, "requests": requests, "timeout_hours": WITHIN_HOURS})
        return QueuedJob("/v1/batch/jobs", lambda _: job)
    line = _json({"custom_id": name, "method": "POST", "url": path, "body": document})
    asked = {"endpoint": path, "completion_window": f"{WITHIN_HOURS}h"}
    return QueuedJob("/v1/batches", lambda file: _json({**asked, "input_file_id": file}), _upload(line, name))


def _upload(line: bytes, name: str) -> Upload:
    """As a form (RFC 7578). No line of JSON holds its boundary: a line end is written as an escape there."""
    boundary = f"fiscus-{name}"
    head = _LINE_END.join((
        f"--{boundary}", 'Content-Disposition: form-data; name="purpose"', "", "batch",
        f"--{boundary}", f'Content-Disposition: form-data; name="file"; filename="{name}.jsonl"',
        "Content-Type: application/jsonl", "", "",
    ))  # fmt: skip
    body = head.encode() + line + f"{_LINE_END}--{boundary}--{_LINE_END}".encode()
    return Upload("/v1/files", f"multipart/form-data; boundary={boundary}", body)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
