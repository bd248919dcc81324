"""An EC2 on this machine: moto's server on a loopback port, stricter than moto, with a journal of what was changed.

`fiscus demo` and the tests use it in place of AWS. Moto stops a terminated machine and changes the type of a running one without
a word; here they are refused as AWS refuses them. Faults can be planted in front of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import Any, Final, Literal, Protocol, Self
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore.config import Config
from moto.moto_api._internal import mock_random
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from fiscus.connectors.aws.clients import new_client

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Fault = Literal["response_lost", "error_500", "error_429", "hang", "reset_before"]
MUTATIONS: Final = frozenset(
    {"StopInstances", "StartInstances", "TerminateInstances", "ModifyInstanceAttribute", "RebootInstances"}
)
IMAGE_ID: Final = "ami-03cf127a"  # one that moto knows; asking it for one takes seconds
REQUEST_BYTES_MAX: Final = 1_000_000


class Machine(Protocol):
    """One machine of the demo's company."""

    @property
    def name(self) -> str: ...
    @property
    def instance_type(self) -> str: ...
    @property
    def tags(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change that this EC2 made."""

    operation: str
    instance_ids: tuple[str, ...]
    changed: bool  # False: it was so already


@dataclass
class Journal:
    """What was changed, in order."""

    mutations: list[Mutation] = field(default_factory=list)

    def count(self, operation: str, instance_id: str) -> int:
        """How often `operation` was carried out on an instance."""
        return sum(m.operation == operation and instance_id in m.instance_ids for m in self.mutations)


class _Quiet(WSGIRequestHandler):
    """Logs nothing; a client that goes away is part of the tests."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  werkzeug's name
        del type, message, args

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        del error, environ


class LocalAws:
    """A running server. `port` 0 takes a free one. Use as a context manager, or call `stop`."""

    def __init__(self, port: int = 0, region: str = "us-east-1") -> None:
        self.region = region
        self.journal = Journal()
        self._faults: list[tuple[str, Fault]] = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", port, self._answer, threaded=True, request_handler=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="local-aws", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def endpoint_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Stop listening: later calls find the connection refused."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def plant(self, operation: str, *faults: Fault) -> None:
        """The next calls of `operation` meet these faults, one each, in order."""
        with self._lock:
            self._faults.extend((operation, fault) for fault in faults)

    @cached_property
    def client(self) -> Any:
        """A plain EC2 client for setting the scene and for looking behind Fiscus's back."""
        once = Config(retries={"total_max_attempts": 1})
        return new_client(
            "ec2",
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  a name that this server accepts, no secret
            config=once,
        )

    def launch_fleet(self, machines: Sequence[Machine], seed: int = 7) -> dict[str, str]:
        """Start each machine; returns its instance id by name. The same machines and seed get the same ids in a new server."""
        ids = dict[str, str]()
        mock_random.seed(seed)
        for machine in machines:
            tags = [{"Key": key, "Value": value} for key, value in {"Name": machine.name, **machine.tags}.items()]
            started = self.client.run_instances(
                ImageId=IMAGE_ID,
                MinCount=1,
                MaxCount=1,
                InstanceType=machine.instance_type,
                TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
            )
            ids[machine.name] = started["Instances"][0]["InstanceId"]
        return ids

    def states(self, instance_ids: Iterable[str]) -> dict[str, str]:
        """The state of each instance, read past the faults."""
        found = self._states(list(instance_ids))
        return {instance_id: found.get(instance_id, "gone") for instance_id in found}

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        length = min(int(environ.get("CONTENT_LENGTH") or 0), REQUEST_BYTES_MAX)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = BytesIO(body)
        asked = dict(parse_qsl(body.decode("utf-8", "replace")))
        operation = asked.get("Action", "")
        fault = self._fault(operation)
        if fault in {"error_429", "reset_before"}:
            return self._fail(fault, environ, start_response)
        if operation not in MUTATIONS:
            return self._after(fault, self._moto(environ, start_response), environ, start_response)
        with self._lock:  # the check and the change are one
            ids = [value for key, value in asked.items() if key.startswith("InstanceId")]
            before = self._states(ids)
            if (refused := _refusal(operation, asked, before)) is not None:
                return _error(start_response, "400 Bad Request", *refused)
            held = _Held()
            answer = b"".join(self._moto(environ, held.start))
            if held.status.startswith("200"):
                self.journal.mutations.append(Mutation(operation, tuple(ids), self._states(ids) != before))
        if fault is not None:
            return self._fail(fault, environ, start_response)
        start_response(held.status, held.headers)
        return [answer]

    def _after(
        self, fault: Fault | None, answer: Iterable[bytes], environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        return answer if fault is None else self._fail(fault, environ, start_response)

    def _fault(self, operation: str) -> Fault | None:
        with self._lock:
            for index, (name, fault) in enumerate(self._faults):
                if name == operation:
                    del self._faults[index]
                    return fault
        return None

    def _fail(self, fault: Fault, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if fault == "error_500":
            return _error(start_response, "500 Internal Server Error", "InternalError", "planted")
        if fault == "error_429":
            return _error(start_response, "429 Too Many Requests", "RequestLimitExceeded", "planted")
        if fault == "hang":
            self._released.wait()
        environ["werkzeug.socket"].close()
        raise ConnectionAbortedError

    def _states(self, instance_ids: Sequence[str]) -> dict[str, str]:
        """Straight from moto's memory, in this process: no request, no fault, no lock."""
        from moto.ec2.models import ec2_backends  # noqa: PLC0415  heavy, and only a server needs it

        backend = ec2_backends["123456789012"][self.region]
        known = {instance.id: instance for group in backend.reservations.values() for instance in group.instances}
        return {i: str(known[i]._state.name) for i in instance_ids if i in known}  # noqa: SLF001  moto shows it nowhere else


class _Held:
    """Catches what the application would have answered."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], None]:
        del exc_info
        self.status, self.headers = status, headers
        return lambda _: None


def _refusal(operation: str, asked: Mapping[str, str], states: Mapping[str, str]) -> tuple[str, str] | None:
    """What AWS refuses and moto does not: (code, message)."""
    for instance_id, state in states.items():
        if operation in {"StopInstances", "StartInstances"} and state in {"terminated", "shutting-down"}:
            message = f"The instance '{instance_id}' is not in a state from which it can be changed."
            return "IncorrectInstanceState", message
        if operation == "ModifyInstanceAttribute" and "InstanceType.Value" in asked and state != "stopped":
            return "IncorrectInstanceState", f"The instance '{instance_id}' is not in the 'stopped' state."
    return None


def _error(start_response: StartResponse, status: str, code: str, message: str) -> Iterable[bytes]:
    body = (
        f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
        f"<RequestID>local</RequestID></Response>"
    ).encode()
    start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]
