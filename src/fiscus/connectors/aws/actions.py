"""EC2 stop and start. One call each, never retried; what became of it is read back.

Credentials come from the standard environment chain only. `endpoint_url` points elsewhere than AWS (the demo's moto server).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
)

from fiscus.actions.types import Outcome, Plan, Reversibility, Target
from fiscus.kernel.errors import BadInput, OutcomeUnknown, Unavailable
from fiscus.kernel.limits import VENDOR_CONNECT_SECONDS_MAX, VENDOR_READ_SECONDS_MAX

INSTANCE_ARN: Final = re.compile(r"arn:aws[a-z-]*:ec2:[a-z0-9-]*:\d*:instance/(i-[0-9a-f]+)")
INSTANCE_ID: Final = re.compile(r"i-[0-9a-f]+")
IDS_AT_ONCE: Final = 200  # values of one filter of DescribeInstances
# Raised before a byte of the request has left: nothing can have happened.
NOTHING_SENT: Final = (
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    SSLError,
    NoCredentialsError,
    PartialCredentialsError,
    NoRegionError,
)


class Ec2:
    """The calls that the executors need, errors mapped to ours."""

    def __init__(self, endpoint_url: str | None, region: str, read_seconds_max: float) -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._read_seconds_max = read_seconds_max

    @cached_property
    def _client(self) -> Any:
        from botocore.config import Config  # noqa: PLC0415

        from fiscus.connectors.aws.clients import new_client  # noqa: PLC0415  most of a second, and few commands ask AWS

        settings = Config(
            connect_timeout=VENDOR_CONNECT_SECONDS_MAX,
            read_timeout=self._read_seconds_max,
            retries={"total_max_attempts": 1, "mode": "standard"},
            user_agent_extra="fiscus",
        )
        try:
            return new_client("ec2", region_name=self._region, endpoint_url=self._endpoint_url, config=settings)
        except (BotoCoreError, ValueError) as failed:
            raise Unavailable(
                f"No EC2 client can be made: {failed}", remedy="Check aws.region and aws.endpoint_url in fiscus.yaml."
            ) from failed

    def describe(self, instance_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Instances that exist, by id; unknown ids are left out. Raises Unavailable."""
        found: dict[str, Mapping[str, Any]] = {}
        unique = list(dict.fromkeys(instance_ids))
        for start in range(0, len(unique), IDS_AT_ONCE):
            wanted = [{"Name": "instance-id", "Values": unique[start : start + IDS_AT_ONCE]}]
            found.update({instance["InstanceId"]: instance for instance in self._instances(wanted)})
        return found

    def count(self, state: str) -> int:
        """How many instances of the region are in `state`. Raises Unavailable."""
        return len(self._instances([{"Name": "instance-state-name", "Values": [state]}]))

    def change(self, operation: str, instance_ids: Sequence[str]) -> str:
        """One StopInstances or StartInstances call; returns AWS's request id. Raises BadInput, OutcomeUnknown, Unavailable."""
        client = self._client
        try:
            answer = getattr(client, operation)(InstanceIds=list(instance_ids))
        except ClientError as refused:
            raise _of_answer(refused) from refused
        except NOTHING_SENT as failed:
            raise _unreachable(failed) from failed
        except ParamValidationError as wrong:
            raise BadInput(f"EC2 {operation}: {wrong}", remedy="Mend the plan's targets.") from wrong
        except BotoCoreError as lost:  # read timeout, reset, unreadable answer: it may have happened
            raise OutcomeUnknown(
                f"EC2 {operation} was sent and its answer was lost: {lost}", remedy="It is read back, not sent again."
            ) from lost
        return str(answer["ResponseMetadata"].get("RequestId", ""))

    def _instances(self, filters: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        try:
            pages = self._client.get_paginator("describe_instances").paginate(Filters=filters)
            return [i for page in pages for group in page["Reservations"] for i in group["Instances"]]
        except (BotoCoreError, ClientError) as failed:
            raise _unreachable(failed) from failed


class Ec2Executor:
    """Implements actions.ports.Executor for one direction: stop running machines, or start stopped ones."""

    reversibility: Reversibility = "R1"  # undone with a boot; disks and addresses go on costing while it is stopped

    def __init__(self, ec2: Ec2, verb: str) -> None:
        self.kind = f"aws.ec2.{verb}"
        self.undo_kind: str | None = "aws.ec2.start" if verb == "stop" else "aws.ec2.stop"
        self._ec2 = ec2
        self._operation = f"{verb}_instances"
        self._from, self._to = ("running", "stopped") if verb == "stop" else ("stopped", "running")

    def observe(self, target_ids: Sequence[str]) -> Sequence[Target]:
        """Targets under the ids that were given (as bills name them). Terminated and unknown ones are left out."""
        known = {target_id: instance_id for target_id in target_ids if (instance_id := normalise(target_id))}
        instances = self._ec2.describe(list(known.values())) if known else {}
        live = {
            i: instance for i, instance in instances.items() if _state(instance) not in {"terminated", "shutting-down"}
        }
        return [_target(target_id, live[i]) for target_id, i in known.items() if i in live]

    def inventory_size(self) -> int:
        """How many machines this could be done to."""
        return self._ec2.count(self._from)

    def send(self, plan: Plan, idempotency_key: str) -> str:
        """One call for all targets. EC2 knows no idempotency key for it: that it is not sent twice is ours to see to."""
        del idempotency_key
        ids = [instance_id for target in plan.targets if (instance_id := normalise(target.id))]
        if len(ids) != len(plan.targets) or not ids:
            raise BadInput("A target is not an EC2 instance", remedy="Plan only i-... ids or instance ARNs.")
        return self._ec2.change(self._operation, ids)

    def read_back(self, plan: Plan) -> Outcome:
        """Done when every target is there; not told while one is on its way or gone. Raises Unavailable."""
        ids = {target.id: normalise(target.id) or target.id for target in plan.targets}
        instances = self._ec2.describe(list(ids.values()))
        states = {target: _state(instances[i]) if i in instances else "gone" for target, i in ids.items()}
        note = ", ".join(f"{target} is {state}" for target, state in states.items())
        if all(state == self._to for state in states.values()):
            return Outcome(True, states, note)
        if any(state not in {self._from, self._to} for state in states.values()):
            return Outcome(None, states, note)
        return Outcome(False, states, note)


def ec2_executors(
    endpoint_url: str | None, region: str, read_seconds_max: float = VENDOR_READ_SECONDS_MAX
) -> Mapping[str, Ec2Executor]:
    """`aws.ec2.stop` and `aws.ec2.start`. No call is made before they are used."""
    ec2 = Ec2(endpoint_url, region, read_seconds_max)
    executors = (Ec2Executor(ec2, "stop"), Ec2Executor(ec2, "start"))
    return {executor.kind: executor for executor in executors}


def normalise(resource_id: str) -> str | None:
    """The instance id in a bill's ResourceId (an ARN or the id itself); None when it is no EC2 instance."""
    match = INSTANCE_ARN.fullmatch(resource_id)
    if match is not None:
        return match[1]
    return resource_id if INSTANCE_ID.fullmatch(resource_id) else None


def _target(target_id: str, instance: Mapping[str, Any]) -> Target:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    observed = {
        "vendor_id": instance["InstanceId"],
        "state": _state(instance),
        "type": instance["InstanceType"],
        "tags": tags,
    }
    environment = next((tags[name] for name in ("environment", "env") if name in tags), "")
    return Target(target_id, tags.get("Name", ""), tags.get("owner", ""), environment, observed)


def _state(instance: Mapping[str, Any]) -> str:
    return str(instance["State"]["Name"])


def _of_answer(refused: ClientError) -> BadInput | OutcomeUnknown | Unavailable:
    """AWS answered with an error. 4xx: it did nothing. 5xx: it may have done it all the same."""
    error = refused.response.get("Error", {})
    status = int(refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    words = f"EC2 answered {status} {error.get('Code', '')}: {error.get('Message', '')}"
    if status == 429 or error.get("Code") in {"RequestLimitExceeded", "Throttling", "ThrottlingException"}:
        return Unavailable(words, remedy="AWS throttles: nothing was done, run it again later.")
    if 400 <= status < 500:
        return BadInput(words, remedy="Check the target and the permissions of the credentials.")
    return OutcomeUnknown(words, remedy="It is read back, not sent again.")


def _unreachable(failed: Exception) -> Unavailable:
    return Unavailable(
        f"EC2 cannot be reached: {failed}",
        remedy="Check the network, aws.endpoint_url and the AWS credentials in the environment.",
    )
