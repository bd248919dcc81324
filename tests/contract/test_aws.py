"""EC2 stop and start with real HTTP calls through boto3 against moto's server, faults and kill -9 included."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from tests.fixtures.company import NOON, Settings, open_company, proposed
from tests.fixtures.effort import sampled

from fiscus.actions.types import Target
from fiscus.connectors.aws.actions import Ec2Executor, ec2_executors, normalise
from fiscus.connectors.aws.fakes import LocalAws
from fiscus.flows.apply_actions import apply_action, reconcile_actions
from fiscus.flows.approve_actions import approve_action
from fiscus.flows.undo_actions import undo_action
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadInput, OutcomeUnknown, Unavailable

FORK = multiprocessing.get_context("fork")
LEA, FAY = Actor("lea"), Actor("fay")
LEASE = timedelta(minutes=5)
READ_SECONDS = 1.5  # longer than AWS takes here on a machine that has much to do


@dataclass(frozen=True)
class Machine:
    name: str
    instance_type: str = "m5.large"
    tags: dict[str, str] = field(default_factory=lambda: {"environment": "staging", "team": "ml"})


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as server:
        yield server


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")


@pytest.fixture
def machine(aws: LocalAws, request: pytest.FixtureRequest) -> str:
    return aws.launch_fleet([Machine(request.node.name)], seed=crc32(request.node.name.encode()))[request.node.name]


@pytest.fixture(scope="module")
def shared_executors(aws: LocalAws) -> dict[str, Ec2Executor]:
    return dict(ec2_executors(aws.endpoint_url, aws.region, READ_SECONDS))


@pytest.fixture
def executors(shared_executors: dict[str, Ec2Executor], credentials: None) -> dict[str, Ec2Executor]:
    return shared_executors


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON)


@pytest.fixture
def ws(tmp_path: Path, executors: dict[str, Ec2Executor], clock: SteppedClock) -> Workspace:
    return open_company(tmp_path, Settings(executors=executors), clock)


def approved(ws: Workspace, machine: str) -> str:
    (seen,) = ws.executors["aws.ec2.stop"].observe([machine])
    return approve_action(ws, proposed(ws, replace(seen, owner="max")).id, LEA).id


def state_of(ws: Workspace, action_id: str) -> str:
    with ws.state.read() as tx:
        action = tx.actions.get(action_id)
    assert action is not None
    return action.state


def plan_for(ws: Workspace, *ids: str) -> Any:
    return proposed(ws, *[Target(i, i, "max", "staging") for i in ids]).plan


class TestTheWayOfAMachine:
    def test_it_is_stopped_once_read_back_and_started_again(self, ws, aws, machine) -> None:
        action_id = approved(ws, machine)
        assert apply_action(ws, action_id, FAY).state == "SUCCEEDED"
        assert aws.states([machine]) == {machine: "stopped"}
        assert undo_action(ws, action_id, LEA).state == "ROLLED_BACK"
        assert aws.states([machine]) == {machine: "running"}
        assert (aws.journal.count("StopInstances", machine), aws.journal.count("StartInstances", machine)) == (1, 1)

    def test_a_bill_may_name_it_by_its_arn(self, ws, aws, machine) -> None:
        arn = f"arn:aws:ec2:us-east-1:123456789012:instance/{machine}"
        (seen,) = ws.executors["aws.ec2.stop"].observe([arn])
        assert (seen.id, seen.observed["vendor_id"], seen.environment) == (arn, machine, "staging")
        assert apply_action(ws, approved(ws, arn), FAY).state == "SUCCEEDED"
        assert aws.states([machine]) == {machine: "stopped"}

    @pytest.mark.parametrize("other", ["vol-0abc", "arn:aws:s3:::bucket", "i-XYZ", "i-1 or 1=1", ""])
    def test_what_is_no_machine_is_not_known(self, executors, other) -> None:
        assert normalise(other) is None
        assert executors["aws.ec2.stop"].observe([other]) == []

    def test_unknown_and_terminated_machines_are_left_out(self, executors, aws, machine) -> None:
        aws.client.terminate_instances(InstanceIds=[machine])
        assert executors["aws.ec2.stop"].observe([machine, "i-0123456789abcdef0"]) == []

    def test_what_is_running_is_counted(self, executors, aws, machine) -> None:
        before = executors["aws.ec2.stop"].inventory_size()
        aws.client.stop_instances(InstanceIds=[machine])
        assert executors["aws.ec2.stop"].inventory_size() == before - 1

    def test_the_same_fleet_gets_the_same_ids_in_a_new_server(self, aws) -> None:
        machines = [Machine("a"), Machine("b", "p4d.24xlarge")]
        first = aws.launch_fleet(machines, seed=11)
        with LocalAws() as other:
            assert other.launch_fleet(machines, seed=11) == first


class TestWhatAwsSaysIsUnderstood:
    def test_an_unknown_machine_is_refused_and_nothing_happened(self, ws, executors, aws) -> None:
        with pytest.raises(BadInput, match="InvalidInstanceID"):
            executors["aws.ec2.stop"].send(plan_for(ws, "i-0123456789abcdef0"), "k")

    def test_a_terminated_machine_is_refused_as_aws_does(self, ws, executors, aws, machine) -> None:
        aws.client.terminate_instances(InstanceIds=[machine])
        with pytest.raises(BadInput, match="IncorrectInstanceState"):
            executors["aws.ec2.stop"].send(plan_for(ws, machine), "k")

    def test_the_type_of_a_running_machine_cannot_be_changed(self, aws, machine) -> None:
        with pytest.raises(aws.client.exceptions.ClientError, match="not in the 'stopped' state"):
            aws.client.modify_instance_attribute(InstanceId=machine, InstanceType={"Value": "m5.xlarge"})

    def test_throttled_means_nothing_was_done(self, ws, executors, aws, machine) -> None:
        aws.plant("StopInstances", "error_429")
        with pytest.raises(Unavailable):
            executors["aws.ec2.stop"].send(plan_for(ws, machine), "k")
        assert aws.journal.count("StopInstances", machine) == 0

    @pytest.mark.parametrize("fault", ["response_lost", "error_500", "hang", "reset_before"])
    def test_an_answer_that_is_lost_is_unknown_and_the_call_is_made_once(
        self, ws, executors, aws, machine, fault
    ) -> None:
        aws.plant("StopInstances", fault)
        with pytest.raises(OutcomeUnknown):
            executors["aws.ec2.stop"].send(plan_for(ws, machine), "k")
        assert aws.journal.count("StopInstances", machine) == (0 if fault == "reset_before" else 1)

    def test_nobody_listening_means_nothing_was_sent(self, ws) -> None:
        nobody = ec2_executors("http://127.0.0.1:1", "us-east-1")["aws.ec2.stop"]
        for call in (
            lambda: nobody.send(plan_for(ws, "i-1"), "k"),
            lambda: nobody.observe(["i-1"]),
            nobody.inventory_size,
        ):
            with pytest.raises(Unavailable):
                call()

    def test_no_credentials_is_said_so(self, ws, aws, monkeypatch, tmp_path) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        with pytest.raises(Unavailable, match="credentials"):
            ec2_executors(aws.endpoint_url, aws.region)["aws.ec2.stop"].send(plan_for(ws, "i-1"), "k")


class TestAnActionUnderFaults:
    @pytest.mark.parametrize("fault", ["response_lost", "error_500", "hang"])
    def test_lost_after_the_change_is_found_by_reading_back(self, ws, aws, machine, fault) -> None:
        action_id = approved(ws, machine)
        aws.plant("StopInstances", fault)
        assert apply_action(ws, action_id, FAY).state == "RECONCILED"
        assert aws.journal.count("StopInstances", machine) == 1

    def test_lost_before_the_change_fails_after_the_lease_and_is_not_repeated(self, ws, aws, machine, clock) -> None:
        action_id = approved(ws, machine)
        aws.plant("StopInstances", "reset_before")
        assert apply_action(ws, action_id, FAY).state == "UNKNOWN"
        clock.advance(LEASE)
        reconcile_actions(ws)
        assert (state_of(ws, action_id), aws.journal.count("StopInstances", machine)) == ("FAILED", 0)

    def test_throttled_can_be_run_again(self, ws, aws, machine) -> None:
        action_id = approved(ws, machine)
        aws.plant("StopInstances", "error_429")
        with pytest.raises(Unavailable):
            apply_action(ws, action_id, FAY)
        assert apply_action(ws, action_id, FAY).state == "SUCCEEDED"
        assert aws.journal.count("StopInstances", machine) == 1


COMMITS = ("CLAIMED", "INTENT", "SENT", "SUCCEEDED")
FAILPOINTS = [f"{when} {name} is stored" for name in COMMITS for when in ("before", "after")] + [
    "before the call",
    "after the call",
]


class TestKillMinusNine:
    @pytest.mark.parametrize("failpoint", sampled(FAILPOINTS, every=3))
    def test_wherever_the_executor_dies_the_machine_is_changed_at_most_once_and_the_books_agree(
        self, ws, aws, machine, clock, tmp_path, failpoint
    ) -> None:
        action_id = approved(ws, machine)
        child = FORK.Process(target=apply_and_die, args=(tmp_path, aws.endpoint_url, action_id, failpoint))
        child.start()
        child.join(60)
        assert child.exitcode == -signal.SIGKILL
        clock.advance(LEASE)
        reconcile_actions(ws)
        stored, cloud = state_of(ws, action_id), aws.states([machine])[machine]
        if stored == "APPROVED":  # it died before it could have sent anything: it may be run again
            assert cloud == "running"
            assert apply_action(ws, action_id, FAY).state == "SUCCEEDED"
            stored, cloud = "SUCCEEDED", aws.states([machine])[machine]
        assert (stored, cloud) in {("SUCCEEDED", "stopped"), ("RECONCILED", "stopped"), ("FAILED", "running")}
        assert aws.journal.count("StopInstances", machine) == (1 if cloud == "stopped" else 0)
        assert verify_evidence(ws).ok


def apply_and_die(home: Path, endpoint_url: str, action_id: str, failpoint: str) -> None:
    """In a process of its own: run the action and be killed at `failpoint`."""
    executors = dict(ec2_executors(endpoint_url, "us-east-1", READ_SECONDS))
    stop = executors["aws.ec2.stop"]
    send = stop.send

    def dying_send(plan: Any, key: str) -> str:
        die_at("before the call", failpoint)
        receipt = send(plan, key)
        die_at("after the call", failpoint)
        return receipt

    stop.send = dying_send  # type: ignore[method-assign]
    ws = open_company(home, Settings(executors=executors), SteppedClock(NOON))
    object.__setattr__(ws, "state", DyingState(ws.state, failpoint))
    apply_action(ws, action_id, FAY)


class DyingState:
    """The state store of a process that is killed before or after its n-th commit."""

    def __init__(self, state: Any, failpoint: str) -> None:
        self.read: Callable[[], Any] = state.read
        self._state = state
        self._failpoint = failpoint
        self._commits = iter(COMMITS)

    @contextmanager
    def begin(self) -> Iterator[Any]:
        name = next(self._commits)
        with self._state.begin() as tx:
            yield tx
            die_at(f"before {name} is stored", self._failpoint)
        die_at(f"after {name} is stored", self._failpoint)


def die_at(here: str, failpoint: str) -> None:
    if here == failpoint:
        os.kill(os.getpid(), signal.SIGKILL)
