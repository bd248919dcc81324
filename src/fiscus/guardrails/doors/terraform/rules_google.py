"""What Google Cloud resources are made of: vCPUs and gibibytes, as Compute Engine's bills sell them, and disks and GPUs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Final

from fiscus.guardrails.doors.terraform.attributes import Attributes
from fiscus.guardrails.doors.terraform.parts import ONE, Made, Part, Rule, Rules, Site, Unpriced, attempt, joined, usage

# Family -> the name of its SKUs; GiB a vCPU of standard, highmem and highcpu (cloud.google.com/compute/docs/machine-resource).
FAMILIES: Final[Mapping[str, str]] = {
    "n1": "n1 predefined instance", "n2": "n2 instance", "n2d": "n2d amd instance", "e2": "e2 instance",
    "c2": "c2 instance", "c3": "c3 instance", "a2": "a2 instance", "g2": "g2 instance",
}  # fmt: skip
MEMORY: Final[Mapping[str, Mapping[str, str]]] = {
    "standard": {"n1": "3.75"}, "highmem": {"n1": "6.5"}, "highcpu": {"n1": "0.9", "c3": "2"},
}  # fmt: skip
USUAL_MEMORY: Final[Mapping[str, str]] = {"standard": "4", "highmem": "8", "highcpu": "1"}
SHARED: Final[Mapping[str, tuple[str, str]]] = {
    "e2-micro": ("0.25", "1"), "e2-small": ("0.5", "2"), "e2-medium": ("1", "4"),
}  # fmt: skip
A2: Final[Mapping[str, tuple[str, str, int]]] = {  # vCPUs, GiB, A100 GPUs of 40 GB
    "a2-highgpu-1g": ("12", "85", 1), "a2-highgpu-2g": ("24", "170", 2), "a2-highgpu-4g": ("48", "340", 4),
    "a2-highgpu-8g": ("96", "680", 8), "a2-megagpu-16g": ("96", "1360", 16),
}  # fmt: skip
G2: Final[Mapping[str, tuple[str, str, int]]] = {
    "g2-standard-4": ("4", "16", 1), "g2-standard-8": ("8", "32", 1), "g2-standard-12": ("12", "48", 1),
    "g2-standard-16": ("16", "64", 1), "g2-standard-24": ("24", "96", 2), "g2-standard-48": ("48", "192", 4),
}  # fmt: skip
GPUS: Final[Mapping[str, str]] = {
    "nvidia-tesla-t4": "nvidia tesla t4 gpu", "nvidia-tesla-v100": "nvidia tesla v100 gpu",
    "nvidia-tesla-a100": "nvidia tesla a100 gpu", "nvidia-l4": "nvidia l4 gpu",
}  # fmt: skip
DISKS: Final[Mapping[str, str]] = {
    "pd-standard": "storage pd capacity", "pd-ssd": "ssd backed pd capacity", "pd-balanced": "balanced pd capacity",
}  # fmt: skip
_TYPE: Final = re.compile(r"(n1|n2d|n2|e2|c2|c3)-(standard|highmem|highcpu)-(\d+)")
_CUSTOM: Final = re.compile(r"(?:(n1|n2|n2d|e2)-)?custom-(\d+)-(\d+)(?:-ext)?")


def capacity(kind: str) -> tuple[str, Decimal, Decimal, int, str] | None:
    """(family, vCPUs, GiB, GPUs, their name) of a machine type; None for one that is not known."""
    if kind in SHARED:
        cores, memory = SHARED[kind]
        return "e2", Decimal(cores), Decimal(memory), 0, ""
    for family, table, gpu in (("a2", A2, "nvidia tesla a100 gpu"), ("g2", G2, "nvidia l4 gpu")):
        if kind in table:
            cores, memory, gpus = table[kind]
            return family, Decimal(cores), Decimal(memory), gpus, gpu
    if found := _TYPE.fullmatch(kind):
        per = MEMORY[found[2]].get(found[1], USUAL_MEMORY[found[2]])
        return found[1], Decimal(found[3]), Decimal(found[3]) * Decimal(per), 0, ""
    if found := _CUSTOM.fullmatch(kind):
        return found[1] or "n1", Decimal(found[2]), Decimal(found[3]) / 1024, 0, ""
    return None


def machine(kind: str, site: Site, count: Decimal = ONE, least: Decimal | None = None, *, spot: bool = False) -> Made:
    """So many machines of a type, as their vCPUs, memory and GPUs."""
    known = capacity(kind)
    if known is None:
        what = Unpriced("machine", "no_rule" if kind else "unknown_value", f"machine type {kind or 'not known'}")
        return Made(unpriced=(what,), size=kind, machines=int(count))
    family, cores, memory, gpus, gpu = known
    few = count if least is None else least
    sku = FAMILIES[family]
    name = f"{'spot ' if spot else ''}machine {kind}"
    asks = [(f"{name} vCPUs", "hour", f"{sku} core", cores), (f"{name} GiB", "gb-hour", f"{sku} ram", memory)]
    if gpus:
        asks.append((f"{name} GPUs", "hour", gpu, Decimal(gpus)))
    parts = []
    for title, unit, meter, many in asks:
        usual = site.ask(unit, meter)
        ways = (
            ((site.ask(unit, meter, f"spot preemptible {meter}", spot=True), ONE), (usual, ONE))
            if spot
            else ((usual, ONE),)
        )
        parts.append(Part(title, ways, many * count, many * few))
    return Made(tuple(parts), size=kind, gpu=bool(gpus), machines=int(count))


def disk(kind: str, gigabytes: Decimal, site: Site, count: Decimal = ONE, least: Decimal | None = None) -> Made:
    """A persistent disk, zonal."""
    sort = kind.rpartition("/")[2] or "pd-standard"
    if not gigabytes:
        return Made(unpriced=(Unpriced("disk", "unknown_value", "its size is that of the image"),), size=sort)
    few = count if least is None else least
    ask = site.ask("gb-month", DISKS.get(sort, sort))
    return Made((site.part(f"disk {sort}", ask, gigabytes * count, gigabytes * few),), size=sort)


def _accelerators(values: Attributes, site: Site, count: Decimal, least: Decimal) -> Made:
    parts = []
    for block in values.blocks("guest_accelerator"):
        kind = block.text("type").rpartition("/")[2]
        many = block.number("count")
        parts.append(site.part(f"GPU {kind}", site.ask("hour", GPUS.get(kind, kind)), many * count, many * least))
    return Made(tuple(parts), gpu=bool(parts))


def _instance(values: Attributes, site: Site) -> Made:
    scheduling = values.block("scheduling")
    spot = scheduling.flag("preemptible") or scheduling.text("provisioning_model") == "SPOT"
    made = [
        machine(values.text("machine_type").rpartition("/")[2], site, spot=spot),
        _accelerators(values, site, ONE, ONE),
    ]
    starts = [boot.block("initialize_params") for boot in values.blocks("boot_disk")]
    return joined([*made, *(attempt("boot disk", partial(_disk_of, start, site)) for start in starts)])


def _disk_of(values: Attributes, site: Site) -> Made:
    return disk(values.text("type", computed=True), values.number("size", computed=True), site)


def _node_pool(values: Attributes, site: Site) -> Made:
    scaling = values.block("autoscaling")
    fixed = values.number("node_count", computed=True) or values.number("initial_node_count", 1, computed=True)
    most = (
        scaling.number("total_max_node_count", computed=True)
        or scaling.number("max_node_count", computed=True)
        or fixed
    )
    least = scaling.number("total_min_node_count", computed=True) or (
        scaling.number("min_node_count", computed=True) if values.has("autoscaling") else fixed
    )
    node = values.block("node_config")
    made = machine(
        node.text("machine_type", computed=True) or "e2-medium",
        site,
        most,
        least,
        spot=node.flag("spot") or node.flag("preemptible"),
    )
    disks = disk(
        node.text("disk_type", computed=True) or "pd-balanced",
        node.number("disk_size_gb", 100, computed=True),
        site,
        most,
        least,
    )
    zones = values.texts("node_locations")
    gap = (Unpriced("more zones", "no_price", f"priced for one of {len(zones)} zones"),) if len(zones) > 1 else ()
    return joined([made, _accelerators(node, site, most, least), disks, Made(unpriced=gap)])


def _database(values: Attributes, site: Site) -> Made:
    settings = values.block("settings")
    size = settings.text("tier")
    found = re.fullmatch(r"db-custom-(\d+)-(\d+)", size)
    if found is None:
        return Made(unpriced=(Unpriced("database", "no_rule", f"no price is known for {size}"),), size=size)
    twice = Decimal(2) if settings.text("availability_type") == "REGIONAL" else ONE
    parts = (
        site.part(f"database {size} vCPUs", site.ask("hour", "cloud sql vcpu"), Decimal(found[1]) * twice),
        site.part(f"database {size} GiB", site.ask("gb-hour", "cloud sql ram"), Decimal(found[2]) / 1024 * twice),
        site.part("database storage", site.ask("gb-month", "cloud sql ssd"), settings.number("disk_size", 10) * twice),
    )
    return Made(parts, (usage("backups", "by the gigabyte"),), size)


def _cluster(_: Attributes, site: Site) -> Made:
    return Made((site.part("cluster", site.ask("hour", "kubernetes clusters")),))


def _by_use(what: str, detail: str) -> Rule:
    return lambda _, __: Made(unpriced=(usage(what, detail),))


RULES: Final[Rules] = {
    "google_compute_instance": _instance,
    "google_compute_disk": _disk_of,
    "google_container_node_pool": _node_pool,
    "google_container_cluster": _cluster,
    "google_sql_database_instance": _database,
    "google_storage_bucket": _by_use("bucket", "by the gigabyte and request"),
    "google_cloud_run_v2_service": _by_use("service", "by the vCPU and memory second"),
    "google_cloud_run_service": _by_use("service", "by the vCPU and memory second"),
    "google_cloudfunctions2_function": _by_use("function", "by the vCPU and memory second"),
    "google_bigquery_dataset": _by_use("dataset", "by the gigabyte and query"),
    "google_pubsub_topic": _by_use("topic", "by the gigabyte"),
}
