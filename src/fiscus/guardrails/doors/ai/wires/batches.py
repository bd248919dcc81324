"""Batches: many requests in one file or one body, reserved as a whole at the batch rates and settled by their results.

OpenAI: a JSONL file of {custom_id, url, body}; Mistral: a file of {custom_id, body}, or the same inline, for one model and one
endpoint; Anthropic: {custom_id, params} inline. A request that lies in a file cannot be changed any more, so one that names no
maximum is bounded by what its model can answer at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from fiscus.cost.ai.price_usage import bound_nanos
from fiscus.cost.ai.types import ModelPrice, Usage
from fiscus.guardrails.doors.ai.bound_output import bound_with
from fiscus.guardrails.doors.ai.types import AiAsk, BatchJob, Endpoint
from fiscus.guardrails.doors.ai.wires.anthropic_ask import ask_of
from fiscus.guardrails.doors.ai.wires.openai_ask import READERS, OpenAiDialect
from fiscus.guardrails.doors.ai.wires.openai_paths import PRICED
from fiscus.guardrails.doors.ai.wires.read_body import (
    deep_refused,
    objects_at,
    once,
    optional_text,
    read_document,
    text_at,
)
from fiscus.kernel.errors import BadInput, Where

BATCH_REQUESTS_MAX: Final = 200_000  # Anthropic's 100,000, Mistral's a million in theory: a larger job comes in several
_BATCHED: Final[frozenset[Endpoint]] = frozenset({"chat", "completions", "responses", "embeddings"})
_ENDED: Final = frozenset(
    # OpenAI's, Anthropic's and Mistral's words for a job that will not use anything more
    {"completed", "failed", "expired", "cancelled", "ended", "SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED"}
)


def batch_nanos(parts: Iterable[AiAsk], price_of: Callable[[str], ModelPrice | None]) -> int | None:
    """The most that all `parts` cost together, in nano-units. None: one of them has no price, or no end to its answer."""
    total = 0
    for part in parts:
        price = price_of(part.model)
        if price is None:
            return None
        output = part.output_max
        if output is None and (output := price.output_tokens_max) is None:
            return None
        nanos = bound_nanos(price, bound_with(part, output))
        if nanos is None:
            return None
        total += nanos
    return total


# What is asked for


def read_job(body: bytes) -> AiAsk:
    """A job. It has no model and no bound of its own, and so no price: its parts have."""
    document = read_document(body)
    once(document)
    return AiAsk("batches", "", Usage({}), output_max=0, document=document, raw=body)


def openai_batch_file(document: Mapping[str, Any]) -> str:
    """The path of the file that holds the requests."""
    return f"/v1/files/{id_of(text_at(document, 'input_file_id'))}/content"


def openai_parts(document: Mapping[str, Any], content: Iterable[bytes], dialect: OpenAiDialect) -> Iterator[AiAsk]:
    """The requests of a file, each at the batch rates. Raises BadInput with the line of what cannot be bounded."""
    where = text_at(document, "endpoint")
    for line, item in _lines(content):
        if item.get("url", where) != where:
            raise _at_line(line, f"`url` is {item.get('url')!r}, the batch is of {where}")
        yield _openai_part(line, item.get("body"), where, dialect)


def mistral_batch_files(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths of the files; none where the requests stand in the job itself."""
    files = document.get("input_files") or ()
    if not isinstance(files, list | tuple) or not all(isinstance(name, str) for name in files):
        raise BadInput("`input_files` is no list of ids", remedy="Send ids of files.", where=Where(key="input_files"))
    return tuple(f"/v1/files/{id_of(name)}/content" for name in files)


def mistral_parts(
    document: Mapping[str, Any], contents: Iterable[Iterable[bytes]], dialect: OpenAiDialect
) -> Iterator[AiAsk]:
    """The requests of a job, inline and of its files: all of one model and one endpoint."""
    where, model = text_at(document, "endpoint"), optional_text(document, "model")
    inline = ((line, item) for line, item in enumerate(objects_at(document, "requests"), 1))
    filed = (found for content in contents for found in _lines(content))
    for line, item in chain(inline, filed):
        body = item.get("body")
        yield _openai_part(line, {**body, "model": model} if isinstance(body, dict) and model else body, where, dialect)


def anthropic_parts(document: Mapping[str, Any]) -> Iterator[AiAsk]:
    """The requests of a batch, which stand in its body."""
    requests = objects_at(document, "requests")
    if not 0 < len(requests) <= BATCH_REQUESTS_MAX:
        raise BadInput(
            "`requests` is missing, or too long", remedy="Send a list of requests.", where=Where(key="requests")
        )
    for line, item in enumerate(requests, 1):
        params = item.get("params")
        if not isinstance(params, dict):
            raise _at_line(line, "`params` is missing")
        with _line(line), deep_refused():
            part = ask_of(params)
        if part.pins:
            raise _at_line(line, "a tool of the vendor has no `max_uses`")
        yield _batched(part)


# What came of it


def response_job(document: Mapping[str, Any], usage: Usage | None) -> BatchJob:
    """Of a response that runs in the background. One that failed used nothing; else it says what it used, or nobody does."""
    ended = document.get("status") not in {"queued", "in_progress"}
    silent = ended and usage is None and document.get("status") != "failed"
    return BatchJob(
        id_of(optional_text(document, "id")), ended, used=(usage,) if ended and usage else (), silent=silent
    )


def openai_job(document: Mapping[str, Any]) -> BatchJob | None:
    """Of POST and GET /batches."""
    if document.get("object") != "batch":
        return None
    file = document.get("output_file_id")
    results = (f"/v1/files/{id_of(file)}/content",) if isinstance(file, str) else ()
    return BatchJob(optional_text(document, "id"), document.get("status") in _ENDED, results)


def anthropic_job(document: Mapping[str, Any]) -> BatchJob | None:
    """Of POST and GET /v1/messages/batches."""
    if document.get("type") != "message_batch":
        return None
    name = id_of(optional_text(document, "id"))
    ended = document.get("processing_status") in _ENDED
    return BatchJob(name, ended, (f"/v1/messages/batches/{name}/results",) if ended else ())


def mistral_job(document: Mapping[str, Any]) -> BatchJob | None:
    """Of POST and GET /v1/batch/jobs."""
    if document.get("object") != "batch":
        return None
    file = document.get("output_file")
    results = (f"/v1/files/{id_of(file)}/content",) if isinstance(file, str) else ()
    return BatchJob(optional_text(document, "id"), document.get("status") in _ENDED, results)


def result_usages(content: Iterable[bytes], usage_of: Callable[[Mapping[str, Any]], Usage | None]) -> Iterator[Usage]:
    """The usage of each answered request of a results file, at the batch rates. What failed was not billed."""
    for _, item in _lines(content):
        response, result = item.get("response"), item.get("result")
        answer = response.get("body") if isinstance(response, dict) else None
        if isinstance(result, dict):
            answer = result.get("message")
        usage = usage_of(answer) if isinstance(answer, dict) else None
        if usage is not None:
            yield replace(usage, tier="batch")


# Pieces


def _openai_part(line: int, body: Any, where: str, dialect: OpenAiDialect) -> AiAsk:
    endpoint = PRICED.get(where.removeprefix("/v1"))
    if endpoint not in _BATCHED:
        raise BadInput(f"Nobody knows what a batch of {where} costs", remedy="Use chat, responses or embeddings.")
    if not isinstance(body, dict):
        raise _at_line(line, "`body` is missing")
    with _line(line), deep_refused():
        text_at(body, "model")
        part = READERS[endpoint](body, replace(dialect, pins_tier=False))
    if part.pins:
        raise _at_line(line, "a tool of the vendor has no `max_tool_calls`")
    return _batched(part)


def _batched(part: AiAsk) -> AiAsk:
    part.tier = "batch"
    part.bound = replace(part.bound, tier="batch")
    return part


def _lines(content: Iterable[bytes]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The JSON objects of a JSONL file, of its lines, with their numbers. Empty lines are skipped."""
    for line, text in enumerate(content, 1):
        if not text.strip():
            continue
        if line > BATCH_REQUESTS_MAX:
            raise BadInput(f"The batch has more than {BATCH_REQUESTS_MAX:,} lines", remedy="Send several.")
        with _line(line):
            item = read_document(text)
            once(item)
        yield line, item


@contextmanager
def _line(number: int) -> Iterator[None]:
    """A fault inside is said with the line that it stands in."""
    try:
        yield
    except BadInput as fault:
        if fault.where is None or fault.where.line is None:
            fault.where = Where(line=number, key=fault.where.key if fault.where else None)
        raise


def _at_line(line: int, said: str) -> BadInput:
    return BadInput(
        f"A request of the batch cannot be bounded: {said}", remedy="Mend the line.", where=Where(line=line)
    )


def id_of(name: str) -> str:
    """A file's or a job's id, as it may stand in a path."""
    if not name or not all(letter.isalnum() or letter in "-_" for letter in name):
        raise BadInput(f"{name[:80]!r} is no id", remedy="Send the id that the vendor gave.")
    return name
