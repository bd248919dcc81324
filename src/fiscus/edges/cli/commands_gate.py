"""Commands that stand before a change: one verdict on what is planned, in the form that its tool reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from fiscus.edges.cli.commands_act import DECIDE_EXIT
from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, say_json, show, table
from fiscus.kernel.errors import BadInput, Where

Form = Literal["text", "json", "sarif", "markdown"]
As = Annotated[str, Parameter(name="--as", help="Who asks (directory id); recorded as asserted, not proven.")]


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    gate = App(name="gate", help="One verdict on a change before it is applied.")
    gate.command(terraform)
    gate.command(kubernetes)
    app.command(gate)
    app.command(price)


@guarded
def terraform(
    plan: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    as_: As,
    format: Form = "text",
    environment: str = "",
    team: str = "",
    ticket: str = "",
    repository: str = "",
    hold: bool = False,
    out: tuple[Path, ...] = (),
    common: Common = NO_OPTIONS,
) -> int:
    """Price a Terraform plan with your own prices and judge it. Exit 0 allow or warn, 3 needs approval, 4 denied, 2 error.

    Parameters
    ----------
    plan
        What `terraform show -json tfplan` wrote; - for standard input.
    format
        text for a terminal, json, sarif (2.1.0) for code scanning, markdown for a pull request.
    environment
        Where it will run; else what the tags of the plan all state.
    team
        Who pays; else the team of who asks.
    ticket
        What it is for; policies may ask for it.
    repository
        Where the change comes from; policies may ask for it.
    hold
        The plan is applied next: hold its money where it is let in. A yes to it is used up.
    out
        Write the report there too, in the form of the file's ending: .json, .sarif, .md or .txt; may be given several times.
    """
    from fiscus.app.whole_file import whole_file
    from fiscus.flows.gate_terraform import gate_terraform
    from fiscus.guardrails.doors.terraform.judge import GateAsked
    from fiscus.guardrails.doors.terraform.plan import read_plan

    form: Form = "json" if common.json and format == "text" else format
    name = "" if plan == "-" else plan
    read = read_plan(_text(plan), name)
    asked = GateAsked(as_, environment, team, ticket, repository, name)
    forms = [_form_of(path) for path in out]
    report = gate_terraform(open_home(common), read, asked, hold=hold)
    for path, other in zip(out, forms, strict=True):
        with whole_file(path) as fresh:
            fresh.write_text(_written(report, other), encoding="utf-8")
    _say(report, form)
    return DECIDE_EXIT[report.verdict]


@guarded
def price(name: str, /, *, region: str = "", common: Common = NO_OPTIONS) -> None:
    """What a thing costs you a unit: your contracted price, else what it cost you, else a list price; and how sure.

    Parameters
    ----------
    name
        A size or a meter as bills write it, such as m6i.2xlarge or "D8s v5".
    region
        One region; all of them when left out.
    """
    from fiscus.flows.show_price import show_price

    show(common, show_price(open_home(common), name, region), _price_text)


def _price_text(shown: Any) -> None:
    rows = [
        (
            one.provider,
            one.region,
            f"{one.amount.normalize():f}",
            f"{one.currency}/{one.unit}",
            one.source,
            one.confidence,
            one.why,
        )
        for one in shown.prices
    ]
    table(("vendor", "region", "price", "per", "which", "sure", "because"), rows, "Nothing is called so.")
    if shown.more:
        say(f"and {shown.more} more: name a --region")


@guarded
def kubernetes(
    manifest: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    as_: As,
    namespace: str = "default",
    environment: str = "",
    team: str = "",
    common: Common = NO_OPTIONS,
) -> int:
    """Price the workloads of a manifest and judge each as the cluster's webhook would, as a dry run. Exit codes as `decide`.

    Parameters
    ----------
    manifest
        Objects as YAML or JSON, as `helm template` or `kustomize build` write them; - for standard input.
    namespace
        Of objects that name none.
    environment
        Of namespaces that gates.kubernetes.namespaces does not name.
    team
        Who pays for those.
    """
    from fiscus.flows.gate_manifest import ManifestAsked, gate_manifest
    from fiscus.guardrails.doors.gate_settings import NamespaceMap
    from fiscus.guardrails.doors.kubernetes.manifest import read_manifest

    objects = read_manifest(_text(manifest), "" if manifest == "-" else manifest)
    by = ManifestAsked(as_, namespace, NamespaceMap(team, environment))
    report = gate_manifest(open_home(common), objects, by)
    show(common, report, _manifest_text)
    return DECIDE_EXIT[report.verdict]


def _manifest_text(report: Any) -> None:
    for one in report.workloads:
        say(f"{one.verdict.replace('_', ' ').upper()}: {one.kind} {one.namespace}/{one.name}: {one.said}")
    many = "1 workload" if len(report.workloads) == 1 else f"{len(report.workloads)} workloads"
    say(f"{report.verdict.replace('_', ' ').upper()}: {many}, each for itself; nothing is held.")


def _text(plan: str) -> str:
    try:
        return sys.stdin.read() if plan == "-" else Path(plan).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as broken:
        raise BadInput(
            f"{plan} cannot be read: {broken}", remedy="Name a file, or - for standard input.", where=Where(file=plan)
        ) from None


def _form_of(path: Path) -> Form:
    forms: dict[str, Form] = {".json": "json", ".sarif": "sarif", ".md": "markdown", ".txt": "text"}
    if path.suffix not in forms:
        raise BadInput(
            f"{path} has no ending that says its form",
            remedy=f"End it in one of {', '.join(forms)}.",
            where=Where(key="out"),
        )
    return forms[path.suffix]


def _say(report: Any, form: Form) -> None:
    if form == "json":
        say_json(report)
    else:
        say(_written(report, form).rstrip("\n"))


def _written(report: Any, form: Form) -> str:
    import json

    from fiscus.guardrails.doors.terraform.show_markdown import gate_markdown
    from fiscus.guardrails.doors.terraform.show_sarif import gate_sarif
    from fiscus.guardrails.doors.terraform.show_text import gate_text
    from fiscus.kernel.canonical import to_json

    if form == "markdown":
        return gate_markdown(report)
    if form == "text":
        return gate_text(report)
    return json.dumps(gate_sarif(report) if form == "sarif" else to_json(report), indent=2, ensure_ascii=False) + "\n"
