"""Whoever speaks OpenAI's format: vLLM, Ollama, Bedrock and Vertex in their OpenAI-compatible form, and Azure OpenAI.

Their paths have a front of their own (Azure: a deployment; Vertex: a project); what is behind it is OpenAI's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fiscus.guardrails.doors.ai.types import AiAsk, BatchJob, Endpoint
from fiscus.guardrails.doors.ai.wires.openai import OpenAiWire
from fiscus.guardrails.doors.ai.wires.openai_ask import OpenAiDialect
from fiscus.guardrails.doors.ai.wires.openai_paths import endpoint_of

_FRONT: Final = re.compile(
    r"(?:/openai(?:/v1)?(?:/deployments/(?P<deployment>[A-Za-z0-9_.-]+))?"
    r"|/v1(?:beta1?)?/projects/[A-Za-z0-9_.:-]+/locations/[A-Za-z0-9_-]+/endpoints/[A-Za-z0-9_.-]+"
    r"|/v1beta/openai|/api/v1|/v1)(?=/)"
)
AZURE: Final = "/openai"  # in front of its v1 form
COMPATIBLE: Final = OpenAiDialect(output_key="max_tokens", overhead_tokens=1_000, writes_caches=True)


class CompatibleWire(OpenAiWire):
    """See `Wire`. What a model costs there is for prices/ai.yaml to say: a deployment's name is its model's name."""

    dialect = COMPATIBLE

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        front = _FRONT.match(path)
        below = path[front.end() :] if front else path
        if method == "POST" and below == "/moderations":
            return "moderations"
        return endpoint_of(method, f"/v1{below}" if below.startswith("/v1") else below)

    def read(self, endpoint: Endpoint, body: bytes, content_type: str, path: str = "") -> AiAsk:
        """On Azure the path decides which deployment answers, whatever the body says."""
        ask = super().read(endpoint, body, content_type, path)
        front = _FRONT.match(path)
        if front and front["deployment"]:
            ask.model, ask.model_fixed = front["deployment"], True
        return ask

    def authorise(self, provider_key: str) -> Mapping[str, str]:
        """Azure reads `api-key`, the others a bearer token."""
        return {"authorization": f"Bearer {provider_key}", "api-key": provider_key}


class AzureWire(CompatibleWire):
    """Azure OpenAI, by deployment or in its v1 form. Its key goes as `api-key` alone: a bearer is an Entra token to it."""

    def authorise(self, provider_key: str) -> Mapping[str, str]:
        return {"api-key": provider_key}

    def batch_files(self, ask: AiAsk) -> tuple[str, ...]:
        return tuple(f"{AZURE}{path}" for path in super().batch_files(ask))

    def batch_job(self, body: bytes) -> BatchJob | None:
        job = super().batch_job(body)
        return None if job is None else replace(job, results=tuple(f"{AZURE}{path}" for path in job.results))

    def batch_path(self, job_id: str) -> str:
        return f"{AZURE}{super().batch_path(job_id)}"
