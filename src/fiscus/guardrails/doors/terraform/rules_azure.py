"""What Azure resources are made of, by the attributes of the hashicorp/azurerm provider and the meter names of Azure's bills."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Final

from fiscus.guardrails.doors.terraform.attributes import Attributes
from fiscus.guardrails.doors.terraform.parts import ONE, Made, Part, Rule, Rules, Site, Unpriced, attempt, joined, usage

GPU: Final = re.compile(r"n[cdgv]\d.*")
# Managed disks are sold by size: gibibytes up to -> number of the tier (learn.microsoft.com, managed disk types).
TIERS: Final = (
    (32, 4), (64, 6), (128, 10), (256, 15), (512, 20), (1024, 30), (2048, 40), (4096, 50), (8192, 60), (16384, 70), (32767, 80),
)  # fmt: skip
LETTER: Final[Mapping[str, str]] = {"Premium": "p", "StandardSSD": "e", "Standard": "s"}


def meter_of(size: str) -> str:
    """Standard_D8s_v5 as bills call it: d8s v5."""
    return size.removeprefix("Standard_").removeprefix("Basic_").replace("_", " ").casefold()


def machine(
    size: str, site: Site, count: Decimal = ONE, least: Decimal | None = None, *, windows: bool = False
) -> Made:
    """So many virtual machines of a size."""
    meter = meter_of(size)
    ask = site.ask("hour", meter, size, OperatingSystem="Windows" if windows else "Linux")
    part = Part(f"machine {size}", ((ask, ONE),), count, count if least is None else least)
    gap = (Unpriced("Windows licence", "no_price", "a list price here is that of Linux"),) if windows else ()
    return Made((part,), gap, size, bool(GPU.match(meter)), int(count))


def disk(kind: str, gigabytes: Decimal, site: Site, count: Decimal = ONE, least: Decimal | None = None) -> Made:
    """A managed disk, priced at the tier that holds it."""
    sort, _, redundancy = kind.partition("_")
    letter = LETTER.get(sort)
    tier = next((number for most, number in TIERS if gigabytes <= most), None)
    if letter is None or tier is None or not gigabytes:
        detail = "its size is that of the image" if not gigabytes else f"{kind} is priced by size, IOPS and throughput"
        return Made(unpriced=(Unpriced("disk", "unknown_value" if not gigabytes else "no_rule", detail),))
    name = f"{letter}{tier} {(redundancy or 'LRS').casefold()} disk"
    return Made((site.part(f"disk {name.upper()[:3].strip()} {redundancy}", site.ask("month", name), count, least),))


def _os_disk(block: Attributes, site: Site, count: Decimal) -> Made:
    kind = block.text("storage_account_type") or block.text("managed_disk_type")
    return disk(kind, block.number("disk_size_gb", computed=True), site, count)


def _vm(windows: bool) -> Rule:
    def rule(values: Attributes, site: Site) -> Made:
        system = windows or values.has("os_profile_windows_config")
        one = machine(values.text("size") or values.text("vm_size"), site, windows=system)
        blocks = (*values.blocks("os_disk"), *values.blocks("storage_os_disk"))
        return joined([one, *(attempt("disk", partial(_os_disk, block, site, ONE)) for block in blocks)])

    return rule


def _scale_set(windows: bool) -> Rule:
    def rule(values: Attributes, site: Site) -> Made:
        count = values.number("instances")
        many = machine(values.text("sku"), site, count, windows=windows)
        blocks = values.blocks("os_disk")
        return joined([many, *(attempt("disk", partial(_os_disk, block, site, count)) for block in blocks)])

    return rule


def _managed_disk(values: Attributes, site: Site) -> Made:
    kind = values.text("storage_account_type")
    made = disk(kind, values.number("disk_size_gb"), site)
    return Made(made.parts, made.unpriced, kind)


def _pool(values: Attributes, site: Site) -> Made:
    fixed = values.number("node_count", 1, computed=True)
    most, least = values.number("max_count") or fixed, values.number("min_count") or fixed
    return machine(values.text("vm_size"), site, most, least)


def _cluster(values: Attributes, site: Site) -> Made:
    made = [_pool(block, site) for block in values.blocks("default_node_pool")]
    if values.text("sku_tier", "Free") != "Free":
        made.append(Made((site.part("cluster uptime", site.ask("hour", "standard uptime sla")),)))
    return joined(made)


def _postgres(values: Attributes, site: Site) -> Made:
    size = values.text("sku_name")
    found = re.fullmatch(r"(GP|MO|B)_Standard_[A-Z]+(\d+).*", size)
    if found is None or found[1] != "GP":
        return Made(unpriced=(Unpriced("server", "no_rule", f"no price is known for {size}"),), size=size)
    high = Decimal(2) if values.has("high_availability") else ONE
    ask = site.ask("hour", "postgresql flexible general purpose vcore")
    gap = usage("storage and backups", "by the gigabyte")
    return Made((site.part(f"server {size} vCores", ask, Decimal(found[2]) * high),), (gap,), size)


def _sql(values: Attributes, site: Site) -> Made:
    size = values.text("sku_name")
    found = re.fullmatch(r"GP_Gen5_(\d+)", size)
    if found is None:
        kind = "usage" if size.startswith("GP_S_") else "no_rule"
        detail = "serverless: by the vCore second" if kind == "usage" else f"no price is known for {size or 'its size'}"
        return Made(unpriced=(Unpriced("database", "usage" if kind == "usage" else "no_rule", detail),), size=size)
    ask = site.ask("hour", "general purpose vcore")
    return Made(
        (site.part(f"database {size} vCores", ask, Decimal(found[1])),), (usage("storage", "by the gigabyte"),), size
    )


def _by_use(what: str, detail: str) -> Rule:
    return lambda _, __: Made(unpriced=(usage(what, detail),))


RULES: Final[Rules] = {
    "azurerm_linux_virtual_machine": _vm(windows=False),
    "azurerm_windows_virtual_machine": _vm(windows=True),
    "azurerm_virtual_machine": _vm(windows=False),
    "azurerm_linux_virtual_machine_scale_set": _scale_set(windows=False),
    "azurerm_windows_virtual_machine_scale_set": _scale_set(windows=True),
    "azurerm_managed_disk": _managed_disk,
    "azurerm_kubernetes_cluster": _cluster,
    "azurerm_kubernetes_cluster_node_pool": _pool,
    "azurerm_postgresql_flexible_server": _postgres,
    "azurerm_mssql_database": _sql,
    "azurerm_storage_account": _by_use("storage account", "by the gigabyte and request"),
    "azurerm_linux_function_app": _by_use("function app", "by the plan, or by the gigabyte-second"),
    "azurerm_windows_function_app": _by_use("function app", "by the plan, or by the gigabyte-second"),
    "azurerm_cosmosdb_account": _by_use("Cosmos DB", "by the request unit"),
    "azurerm_cognitive_account": _by_use("AI service", "by the token"),
    "azurerm_log_analytics_workspace": _by_use("log workspace", "by the gigabyte"),
}
