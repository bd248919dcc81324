"""Policies as code: lint, test, explain, backtest, diff, force. Exit 0 fine, 1 findings or failing tests, 2 error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from fiscus.edges.cli import commands_import
from fiscus.edges.cli.terminal import (
    NO_OPTIONS,
    Common,
    guarded,
    open_home,
    progress,
    read_request,
    say,
    say_json,
    show,
)
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput

As = Annotated[str, Parameter(name="--as", help="Who acts (directory id); recorded as asserted, not proven.")]
FISCUS_ACTS = "fiscus"


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    policy_app = App(name="policy", help="Policies as code: lint, test, explain, backtest, diff, force, import.")
    for command in (lint, explain, backtest, diff, force):
        policy_app.command(command)
    policy_app.command(try_tests, name="test")
    app.command(policy_app)
    commands_import.mount(app)


@guarded
def lint(path: str | None = None, /, *, format: Literal["text", "sarif"] = "text", common: Common = NO_OPTIONS) -> int:
    """What is wrong with policies that load, and what does not load. Exit 1 when something is.

    Parameters
    ----------
    path
        A file or folder; the policies of the workspace when left out.
    format
        text, or sarif for a code host.
    """
    from fiscus import __version__
    from fiscus.app.policy_files import readable_policies, workspace_if_any
    from fiscus.app.workspace import find_home
    from fiscus.flows.lint_policies import lint_texts
    from fiscus.guardrails.lint.sarif import sarif
    from fiscus.kernel.errors import BadConfig

    home = find_home(common.home)
    texts, unread = readable_policies(home, path)
    ws, refused = None, None
    try:
        ws = workspace_if_any(home)
    except BadConfig as broken:
        if path is not None or not lint_texts(texts, None, unread=unread):
            raise  # what is wrong is not in the policies
        refused = broken
    found = lint_texts(texts, ws, refused, unread)
    if format == "sarif":
        say(json.dumps(sarif(found, __version__), indent=2, ensure_ascii=False))
    elif common.json:
        say_json(found)
    else:
        for one in found:
            named = f" ({one.policy_id})" if one.policy_id else ""
            say(f"{one.file}:{one.line}: {one.severity}: {one.message} [{one.rule}]{named}")
            say(f"    {one.remedy}")
        say(f"{len(texts) + len(unread)} files: {len(found) or 'no'} finding{'' if len(found) == 1 else 's'}.")
    return 1 if found else 0


@guarded
def try_tests(path: str | None = None, /, *, common: Common = NO_OPTIONS) -> int:
    """Run the tests beside policies, through the function and the SQL. Exit 1 when one fails.

    Parameters
    ----------
    path
        A file or folder; the policies of the workspace when left out.
    """
    from fiscus.app.policy_files import asks_constants, policy_texts, workspace_if_any
    from fiscus.app.workspace import find_home
    from fiscus.flows.try_policy_tests import try_policy_tests
    from fiscus.guardrails.policies.load_policies import load_policies

    home = find_home(common.home)
    policies = load_policies(policy_texts(home, path))
    tried = try_policy_tests(policies, asks_constants(workspace_if_any(home) if path is None else None))
    failed = sum(bool(one.failures) for one in tried)
    if common.json:
        say_json(tried)
        return 1 if failed else 0
    for one in tried:
        what = f"detector {one.detector}: probed by each run" if one.detector else f"{one.tests} tests"
        say(f"{'FAILED' if one.failures else 'passed' if one.tests else '  -   '}  {one.policy_id}: {what}")
        for failure in one.failures:
            say(f"        {failure}")
    say(f"{sum(one.tests for one in tried)} tests of {len(tried)} policies, {failed or 'none'} with a failure.")
    return 1 if failed else 0


@guarded
def explain(
    policy_id: str, /, *, intent: Path | None = None, charge: str | None = None, common: Common = NO_OPTIONS
) -> None:
    """What a policy demands; with --intent or --charge, which of its terms hold there and what it then says.

    Parameters
    ----------
    policy_id
        The policy.
    intent
        A JSON file, as `fiscus decide` reads it.
    charge
        SQL over the view `charges`, such as "ResourceId = 'i-1'"; the dearest charge that meets it is explained.
    """
    from fiscus.edges.cli.show_policies_text import demands_text, explanation_text
    from fiscus.flows.explain_policy import explain_charge, explain_intent, explain_policy
    from fiscus.guardrails.decisions.intent import parse_intent

    ws = open_home(common)
    if intent is not None and charge is not None:
        raise BadInput("An intent and a charge are two questions", remedy="Ask with --intent or with --charge.")
    if charge is not None:
        show(common, explain_charge(ws, policy_id, charge), explanation_text)
    elif intent is not None:
        asked = read_request(intent, "intent", "docs/how-to/decide.md")
        show(common, explain_intent(ws, policy_id, parse_intent(asked)), explanation_text)
    else:
        show(common, explain_policy(ws, policy_id), demands_text)


@guarded
def backtest(
    policy: str,
    /,
    *,
    months: int = 3,
    as_of: str | None = None,
    as_: Annotated[
        str, Parameter(name="--as", help="Who tries it (directory id); fiscus itself when left out.")
    ] = FISCUS_ACTS,
    common: Common = NO_OPTIONS,
) -> None:
    """What a policy, or a change of one, would have done over the last months. Recorded: a policy may then be hard.

    Parameters
    ----------
    policy
        The id of a policy of the workspace, or a file of policies (new ones, or changes with the same id).
    months
        Calendar months to look back over, the running one included.
    as_of
        The day to look back from, YYYY-MM-DD.
    """
    from fiscus.app.policy_files import policy_texts
    from fiscus.edges.cli.show_policies_text import backtests_text
    from fiscus.flows.backtest_policy import History, ask_together, backtest_policy
    from fiscus.flows.prove_policies import record_backtest, written_policies
    from fiscus.guardrails.policies.load_policies import load_policies
    from fiscus.kernel.actor import FISCUS
    from fiscus.ownership.people import require_live

    ws = open_home(common, as_of)
    actor = FISCUS if as_ == FISCUS_ACTS else Actor(require_live(ws.config.directory, as_, ws.as_of).id)
    chosen = (
        tuple(load_policies(policy_texts(ws.home, policy))) if Path(policy).exists() else written_policies(ws, policy)
    )
    history = History(ws, months)
    done = []
    with progress(common) as bar:
        bar.stage(f"Asking the lake about {len(chosen)} {'policy' if len(chosen) == 1 else 'policies'}")
        ask_together(history, chosen)
        for compiled in chosen:
            bar.stage(f"Trying {compiled.policy.id}")
            done.append(backtest_policy(history, compiled))
            record_backtest(ws, done[-1], actor)
    show(common, [{"backtest": one, "digest": one.digest} for one in done], backtests_text)


@guarded
def diff(
    old: str | None = None,
    new: str | None = None,
    /,
    *,
    against: Literal["recorded"] | None = None,
    months: int = 3,
    as_of: str | None = None,
    common: Common = NO_OPTIONS,
) -> int:
    """Which policies are added, removed or changed, and what each change would have meant. Exit 1 when something differs.

    Parameters
    ----------
    old
        A file, a folder, or a git revision of the workspace such as HEAD.
    new
        The same; the policies of the workspace when left out.
    against
        recorded: what the newest run judged by, instead of OLD.
    months
        Calendar months to look back over, the running one included.
    as_of
        The day to look back from, YYYY-MM-DD.
    """
    from fiscus.app.policy_files import policy_texts
    from fiscus.edges.cli.show_policies_text import diff_text
    from fiscus.flows.backtest_policy import History
    from fiscus.flows.diff_policies import diff_policies, recorded_texts
    from fiscus.guardrails.policies.load_policies import load_policies

    ws = open_home(common, as_of)
    if old is not None and against is not None:
        message = f"{old} and --against recorded both say what is compared with"
        raise BadInput(message, remedy="Keep one of the two; to compare two files, leave --against out.")
    if old is None and against is None:
        raise BadInput("Compare with what?", remedy="Name a file, a folder or a revision, or use --against recorded.")
    before = policy_texts(ws.home, old) if old is not None else recorded_texts(ws)
    found = diff_policies(History(ws, months), load_policies(before), load_policies(policy_texts(ws.home, new)))
    show(common, found, diff_text)
    return 1 if found.changes else 0


@guarded
def force(policy_id: str, /, *, as_: As, reason: str, common: Common = NO_OPTIONS) -> None:
    """Let this version of a policy be hard without a backtest. Who says so and why is evidence.

    Parameters
    ----------
    policy_id
        The policy, written at level hard.
    reason
        Why it cannot wait.
    """
    from fiscus.flows.prove_policies import force_policy

    forced = force_policy(open_home(common), policy_id, Actor(as_), reason)
    show(
        common,
        forced,
        lambda one: say(f"{one.policy_id} {one.version} is hard from now on, forced by {one.by}: {one.result}"),
    )
