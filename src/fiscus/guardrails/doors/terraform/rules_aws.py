"""What AWS resources are made of, by the attributes of the hashicorp/aws provider and the usage types of AWS's bills."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Final

from fiscus.guardrails.doors.terraform.attributes import Attributes
from fiscus.guardrails.doors.terraform.parts import ONE, Made, Part, Rule, Rules, Site, Unpriced, attempt, joined, usage

GPU: Final = re.compile(r"(?:ml\.)?(?:p\d|g[3-9]|gr\d|trn|inf|dl)\w*\..+")
VOLUME: Final[Mapping[str, str]] = {
    "gp3": "volumeusage.gp3", "gp2": "volumeusage.gp2", "io1": "volumeusage.piops", "io2": "volumeusage.io2",
    "st1": "volumeusage.st1", "sc1": "volumeusage.sc1", "standard": "volumeusage",
}  # fmt: skip
IOPS: Final[Mapping[str, str]] = {
    "gp3": "volumep-iops.gp3", "io1": "volumep-iops.piops", "io2": "volumep-iops.io2",
}  # fmt: skip
GP3_FREE_IOPS: Final = 3000
GP3_FREE_MBPS: Final = 125
RDS_DISK: Final[Mapping[str, str]] = {"gp2": "gp2", "gp3": "gp3", "io1": "piops", "io2": "piops"}


def machine(size: str, site: Site, count: Decimal = ONE, least: Decimal | None = None, *, spot: bool = False) -> Made:
    """So many EC2 machines of a size; Linux on shared hardware, which a plan cannot contradict."""
    if not size:
        return Made(unpriced=(Unpriced("machine", "unknown_value", "its instance type is not known before apply"),))
    ask = site.ask("hour", size, spot=spot, OperatingSystem="Linux", x_Tenancy="Shared")
    ways = ((ask, ONE), (site.ask("hour", size), ONE)) if spot else ((ask, ONE),)
    name = f"{'spot ' if spot else ''}machine {size}"
    part = Part(name, ways, count, count if least is None else least)
    return Made((part,), size=size, gpu=bool(GPU.fullmatch(size)), machines=int(count))


def volume(block: Attributes, site: Site, name: str, count: Decimal = ONE, least: Decimal | None = None) -> Made:
    """An EBS volume: its gigabytes, and the IOPS and throughput beyond what is included."""
    return attempt(name, lambda: _volume(block, site, name, count, count if least is None else least))


def _volume(block: Attributes, site: Site, name: str, count: Decimal, few: Decimal) -> Made:
    kind = block.text("volume_type", computed=True) or block.text("type", computed=True) or "gp2"
    size = block.number("volume_size") or block.number("size")
    if not size:
        return Made(unpriced=(Unpriced(name, "unknown_value", "its size is that of its image or snapshot"),))
    ask = site.ask("gb-month", VOLUME.get(kind, f"volumeusage.{kind}"))
    parts = [site.part(f"{name} {kind}", ask, size * count, size * few)]
    iops = block.number("iops", computed=True) - (GP3_FREE_IOPS if kind == "gp3" else 0)
    if kind in IOPS and iops > 0:
        parts.append(site.part(f"{name} IOPS", site.ask("iops-month", IOPS[kind]), iops * count, iops * few))
    fast = block.number("throughput", computed=True) - GP3_FREE_MBPS
    if kind == "gp3" and fast > 0:
        ask = site.ask("mbps-month", "volumep-throughput.gp3")
        parts.append(site.part(f"{name} throughput", ask, fast * count, fast * few))
    return Made(tuple(parts), size=kind)


def _instance(values: Attributes, site: Site) -> Made:
    template = site.referenced("launch_template", "id") or _named_template(values, site)
    size = (
        values.text("instance_type")
        if values.has("instance_type") or template is None
        else template.text("instance_type")
    )
    options = values.block("instance_market_options")
    made = [machine(size, site, spot=options.text("market_type") == "spot")]
    for name in ("root_block_device", "ebs_block_device"):
        title = "root disk" if name.startswith("root") else "disk"
        made += [volume(block, site, title) for block in values.blocks(name)]
    if not values.blocks("root_block_device"):
        made.append(Made(unpriced=(Unpriced("root disk", "unknown_value", "its size is that of the image"),)))
    if values.text("tenancy", computed=True) in {"dedicated", "host"}:
        made.append(Made(unpriced=(Unpriced("dedicated hardware", "no_price", "priced here as shared"),)))
    return joined(made)


def _ebs_volume(values: Attributes, site: Site) -> Made:
    return volume(values, site, "volume")


def _autoscaling_group(values: Attributes, site: Site) -> Made:
    most, least = values.number("max_size"), values.number("min_size")
    mixed = values.block("mixed_instances_policy").block("launch_template")
    overrides = [block for block in mixed.blocks("override") if block.text("instance_type")]
    paths = (
        ("launch_template", "id"),
        ("launch_template", "name"),
        ("launch_configuration",),
        ("mixed_instances_policy", "launch_template", "launch_template_specification", "launch_template_id"),
    )
    template = next((found for path in paths if (found := site.referenced(*path))), None) or _named_template(
        values, site
    )
    if overrides:
        most, least = (_machines(capacity, overrides[0]) for capacity in (most, least))
        made = [_any_of(overrides, site, most, least)]
    elif template is None:
        return Made(unpriced=(Unpriced("machines", "unknown_value", "its launch template is not in this plan"),))
    else:
        options = template.block("instance_market_options")
        made = [machine(template.text("instance_type"), site, most, least, spot=options.text("market_type") == "spot")]
    made += [volume(block, site, "disk", most, least) for block in _disks(template)]
    return joined(made)


def _named_template(values: Attributes, site: Site) -> Attributes | None:
    """The launch template or configuration that is named or numbered, where a plan comes without its expressions."""
    mixed = values.block("mixed_instances_policy").block("launch_template").block("launch_template_specification")
    plain = values.block("launch_template")
    given = [plain.text(key, computed=True) for key in ("id", "name")]
    given += [mixed.text(f"launch_template_{key}", computed=True) for key in ("id", "name")]
    if found := next((one for name in given if (one := site.named("aws_launch_template", name))), None):
        return found
    return site.named("aws_launch_configuration", values.text("launch_configuration", computed=True))


def _disks(template: Attributes | None) -> list[Attributes]:
    """Those of a launch template, or of a launch configuration."""
    if template is None:
        return []
    mapped = [mapping.block("ebs") for mapping in template.blocks("block_device_mappings") if mapping.blocks("ebs")]
    return [*mapped, *template.blocks("root_block_device"), *template.blocks("ebs_block_device")]


def _machines(capacity: Decimal, override: Attributes) -> Decimal:
    """A group of weighted sizes counts capacity, not machines; the last machine may go beyond it."""
    weight = override.number("weighted_capacity", 1, computed=True) or ONE
    return (capacity / weight).to_integral_value(ROUND_CEILING)


def _any_of(overrides: list[Attributes], site: Site, most: Decimal, least: Decimal) -> Made:
    """A group that may take any of several sizes is priced at the first, on demand, and says so."""
    sizes = [block.text("instance_type") for block in overrides]
    made = machine(sizes[0], site, most, least)
    if len(sizes) == 1:
        return made
    gap = Unpriced("other sizes", "no_price", f"priced as {sizes[0]}; it may also start {', '.join(sizes[1:])}")
    return Made(made.parts, (gap,), made.size, any(GPU.fullmatch(size) for size in sizes), made.machines)


def _node_group(values: Attributes, site: Site) -> Made:
    scaling = values.block("scaling_config")
    most, least = scaling.number("max_size", 1), scaling.number("min_size")
    sizes = values.texts("instance_types") or ["t3.medium"]  # the provider's documented default
    made = machine(sizes[0], site, most, least, spot=values.text("capacity_type", computed=True) == "SPOT")
    disk = values.number("disk_size", 20, computed=True)
    ask = site.ask("gb-month", VOLUME["gp2"])
    return joined([made, Made((site.part("node disk gp2", ask, disk * most, disk * least),))])


def _db_instance(values: Attributes, site: Site) -> Made:
    size, multi = values.text("instance_class"), values.flag("multi_az")
    engine = values.text("engine").split("-")[0]
    usual = Unpriced("backups beyond the free share", "usage", "by the gigabyte that is kept")
    single = site.ask("hour", f"{size}/{engine}", size)
    short = re.sub(r"large$", "l", size)  # usage types write db.r6g.4xl
    ways = (
        ((site.ask("hour", f"multi-azusage:{short}", f"multi-azusage:{size}"), ONE), (single, Decimal(2)))
        if multi
        else ((single, ONE),)
    )
    name = f"database {size} {engine}{' multi-AZ' if multi else ''}".rstrip()
    made = [Made((Part(name, ways, ONE, ONE),), (usual,), size)]
    disk = values.number("allocated_storage")
    iops = values.number("iops", computed=True)
    kind = values.text("storage_type", computed=True) or ("io1" if iops else "gp2")
    if disk:
        meter = f"rds:{'multi-az-' if multi else ''}{RDS_DISK.get(kind, kind)}-storage"
        made.append(Made((site.part(f"database storage {kind}", site.ask("gb-month", meter), disk),)))
    if kind in {"io1", "io2"} and iops:
        ask = site.ask("iops-month", f"rds:{'multi-az-' if multi else ''}piops")
        made.append(Made((site.part("database IOPS", ask, iops),)))
    return joined(made)


def _cluster_instance(values: Attributes, site: Site) -> Made:
    size = values.text("instance_class")
    if size == "db.serverless":
        return Made(unpriced=(usage("Aurora serverless", "by the capacity unit hour"),), size=size)
    return Made((site.part(f"database {size}", site.ask("hour", f"{size}/aurora", size)),), size=size)


def _cache(values: Attributes, site: Site) -> Made:
    size = values.text("node_type")
    groups, replicas, clusters, nodes = (
        values.number(name, default, computed=True)
        for name, default in (
            ("num_node_groups", 1), ("replicas_per_node_group", 0), ("num_cache_clusters", 0), ("num_cache_nodes", 0),
        )
    )  # fmt: skip
    count = clusters or nodes or groups * (replicas + 1)
    return Made((site.part(f"cache {size}", site.ask("hour", size), count),), size=size, machines=int(count))


def _sized(kind: str, attribute: str) -> Rule:
    """One machine of the size in `attribute`, so many of it as `instance_count`, where that exists."""

    def rule(values: Attributes, site: Site) -> Made:
        size = values.text(attribute)
        count = values.number("instance_count", 1) or ONE
        ask = site.ask("hour", size)
        return Made(
            (site.part(f"{kind} {size}", ask, count),), size=size, gpu=bool(GPU.fullmatch(size)), machines=int(count)
        )

    return rule


def _endpoint(values: Attributes, site: Site) -> Made:
    made = []
    for variant in values.blocks("production_variants"):
        size = variant.text("instance_type")
        if not size:
            made.append(Made(unpriced=(usage("serverless inference", "by the second and megabyte"),)))
            continue
        count = variant.number("initial_instance_count", 1)
        part = site.part(f"inference {size}", site.ask("hour", size), count)
        made.append(Made((part,), size=size, gpu=bool(GPU.fullmatch(size)), machines=int(count)))
    return joined(made)


def _hourly(name: str, meter: str, by_use: str = "") -> Rule:
    """Something that costs the same each hour, and by use beside it."""

    def rule(_: Attributes, site: Site) -> Made:
        gaps = (usage(name, by_use),) if by_use else ()
        return Made((site.part(name, site.ask("hour", meter)),), gaps)

    return rule


def _by_use(what: str, detail: str) -> Rule:
    """Nothing in a plan says what it will cost."""
    return lambda _, __: Made(unpriced=(usage(what, detail),))


def _table(values: Attributes, site: Site) -> Made:
    if values.text("billing_mode", "PROVISIONED") == "PAY_PER_REQUEST":
        return Made(unpriced=(usage("table", "by the request and gigabyte"),))
    parts = [
        site.part(f"{name} capacity", site.ask("hour", meter), values.number(attribute))
        for name, meter, attribute in (
            ("read", "readcapacityunit-hrs", "read_capacity"), ("write", "writecapacityunit-hrs", "write_capacity"),
        )
    ]  # fmt: skip
    return Made(tuple(parts), (usage("table storage", "by the gigabyte"),))


RULES: Final[Rules] = {
    "aws_instance": _instance,
    "aws_spot_instance_request": _instance,
    "aws_ebs_volume": _ebs_volume,
    "aws_autoscaling_group": _autoscaling_group,
    "aws_eks_node_group": _node_group,
    "aws_eks_cluster": _hourly("cluster", "amazoneks-hours:percluster"),
    "aws_db_instance": _db_instance,
    "aws_rds_cluster_instance": _cluster_instance,
    "aws_rds_cluster": _by_use("cluster storage and I/O", "by the gigabyte and request"),
    "aws_elasticache_cluster": _cache,
    "aws_elasticache_replication_group": _cache,
    "aws_sagemaker_notebook_instance": _sized("notebook", "instance_type"),
    "aws_sagemaker_endpoint_configuration": _endpoint,
    "aws_nat_gateway": _hourly("NAT gateway", "natgateway-hours", "by the gigabyte that passes"),
    "aws_lb": _hourly("load balancer", "loadbalancerusage", "by capacity unit"),
    "aws_alb": _hourly("load balancer", "loadbalancerusage", "by capacity unit"),
    "aws_elb": _hourly("load balancer", "loadbalancerusage", "by the gigabyte"),
    "aws_eip": _hourly("public address", "publicipv4:inuseaddress"),
    "aws_dynamodb_table": _table,
    "aws_lambda_function": _by_use("function", "by the request and gigabyte-second"),
    "aws_s3_bucket": _by_use("bucket", "by the gigabyte and request"),
    "aws_sqs_queue": _by_use("queue", "by the request"),
    "aws_sns_topic": _by_use("topic", "by the message"),
    "aws_cloudfront_distribution": _by_use("distribution", "by the gigabyte and request"),
    "aws_cloudwatch_log_group": _by_use("log group", "by the gigabyte"),
    "aws_efs_file_system": _by_use("file system", "by the gigabyte"),
    "aws_api_gateway_rest_api": _by_use("API", "by the request"),
    "aws_apigatewayv2_api": _by_use("API", "by the request"),
    "aws_ecr_repository": _by_use("repository", "by the gigabyte"),
    "aws_kinesis_firehose_delivery_stream": _by_use("stream", "by the gigabyte"),
    "aws_ecs_service": _by_use("service", "by the task's vCPU and memory, or by its machines"),
    "aws_bedrock_provisioned_model_throughput": _by_use("model throughput", "by the model unit hour"),
    "aws_kms_key": _by_use("key", "by the month and request"),
    "aws_secretsmanager_secret": _by_use("secret", "by the month and request"),
}
