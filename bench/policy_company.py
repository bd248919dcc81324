"""A company with as many charges, policies and budgets as asked for: bills as Parquet made by DuckDB, ingested as any other.

Costs are nearly all distinct. A resource has one account, team, service and region, as in a real bill; its charges differ by
hour, price and category. The policies are written twice: as Fiscus has them and, by hand, as SQL over the view `charges`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

MONTHS: Final = 6
FIRST_MONTH: Final = 7  # of 2026
AS_OF: Final = "2026-12-29"
WINDOW_DAYS: Final = 190
TEAMS: Final = 40
SERVICES: Final = 45
RESOURCES: Final = 60_000
ENVIRONMENTS: Final = ("prod", "staging", "dev", "test")
REGIONS: Final = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "sa-east-1")
CATEGORIES: Final = (
    "Compute", "Storage", "Databases", "Networking", "AI and Machine Learning", "Analytics", "Security", "Integration",
    "Management and Governance", "Web",
)  # fmt: skip
PROMOTED: Final = ("team", "environment", "cost-centre")

CHARGES: Final = """
WITH row AS (
    SELECT i, hash(i) AS h, hash(i * 7 + 1) AS h2, (i // 40) % {resources} AS resource FROM range({first}, {last}) t(i)),
charge AS (
    SELECT *, TIMESTAMP '{start}' + to_hours(CAST(h2 % 672 AS INTEGER)) AS cs, hash(resource) AS hr,
        CAST(hash(resource) % {teams} AS INTEGER) AS team, CAST(hash(resource + 77) % {services} AS INTEGER) AS service,
        CAST(h % 100000007 AS DECIMAL(18,0)) AS amount
    FROM row)
SELECT
    CAST(amount * 0.00000137 AS DECIMAL(18,10)) AS BilledCost, CAST(amount * 0.00000133 AS DECIMAL(18,10)) AS ContractedCost,
    CAST(amount * 0.00000129 AS DECIMAL(18,10)) AS EffectiveCost,
    CAST(amount * CASE WHEN h % 10 = 0 THEN 0.00000127 ELSE 0.00000141 END AS DECIMAL(18,10)) AS ListCost,
    'M-1' AS BillingAccountId, 'Northwind' AS BillingAccountName, 'USD' AS BillingCurrency,
    strftime(TIMESTAMP '{start}' + INTERVAL 1 MONTH, '{iso}') AS BillingPeriodEnd,
    strftime(TIMESTAMP '{start}', '{iso}') AS BillingPeriodStart,
    CASE WHEN h % 50 = 0 THEN 'Tax' WHEN h % 70 = 0 THEN 'Credit' WHEN h % 400 = 0 THEN 'Purchase' ELSE 'Usage' END
        AS ChargeCategory,
    NULL AS ChargeClass, 'Service ' || service || ', per hour' AS ChargeDescription, 'Usage-Based' AS ChargeFrequency,
    strftime(cs + INTERVAL 1 HOUR, '{iso}') AS ChargePeriodEnd, strftime(cs, '{iso}') AS ChargePeriodStart,
    CAST(h % 100003 AS DECIMAL(12,0)) * 0.001 AS ConsumedQuantity, 'Hours' AS ConsumedUnit,
    ['Amazon Web Services, Inc.', 'Microsoft Corporation', 'Google LLC'][CAST(hr % 3 + 1 AS INTEGER)] AS InvoiceIssuerName,
    ['Standard', 'Committed', 'Dynamic', 'Other'][CAST(h2 % 4 + 1 AS INTEGER)] AS PricingCategory,
    CAST(h % 100003 AS DECIMAL(12,0)) * 0.001 AS PricingQuantity, 'Hours' AS PricingUnit,
    ['AWS', 'Microsoft', 'Google Cloud'][CAST(hr % 3 + 1 AS INTEGER)] AS ProviderName,
    ['AWS', 'Microsoft', 'Google Cloud'][CAST(hr % 3 + 1 AS INTEGER)] AS PublisherName,
    [{regions}][CAST(hr % 6 + 1 AS INTEGER)] AS RegionId,
    'arn:x:' || team || ':i-' || printf('%016x', resource) AS ResourceId,
    CASE WHEN hr % 11 = 0 THEN 'tmp-' ELSE 'node-' END || resource AS ResourceName,
    ['instance', 'volume', 'bucket', 'database', 'endpoint'][CAST(hr % 5 + 1 AS INTEGER)] AS ResourceType,
    [{categories}][CAST(service % 10 + 1 AS INTEGER)] AS ServiceCategory,
    'Service ' || service || CASE WHEN service % 9 = 0 THEN ' GPU' ELSE '' END AS ServiceName,
    'Other (Compute)' AS ServiceSubcategory, 'SKU' || hr % 900 AS SkuId, 'SKU' || hr % 900 || '.P' || h % 3 AS SkuPriceId,
    'acct-' || team || '-' || hr % 3 AS SubAccountId, 'Account ' || team || ' ' || hr % 3 AS SubAccountName,
    '{{"team":"team-' || team || '","environment":"' || [{environments}][CAST((hr // 7) % 4 + 1 AS INTEGER)] || '"'
        || CASE WHEN hr % 9 > 0 THEN ',"cost-centre":"CC-' || team || '"' ELSE '' END || '}}' AS Tags
FROM charge"""

SETTINGS: Final = f"""version: 1
company: {{name: Northwind, currency: USD, fiscal_year_start: 2}}
as_of: {AS_OF}
sources: [{{name: bills, paths: [inbox/bills]}}]
promoted_tags: [{", ".join(PROMOTED)}]
"""
RULES: Final = """environment: {tags: [environment], names: {}}
product: {tags: [product]}
rules:
  - {id: tag-team, match: {"tag:team": ["*"]}, team: "{tag:team}"}
"""
COLUMNS_READ: Final = (
    "x_Team", "x_Environment", "ServiceCategory", "SubAccountId", "RegionId", "ServiceName", "EffectiveCost", "BilledCost",
    "ListCost", '"x_Tag_cost-centre"', "ResourceName", "ChargeCategory", "InvoiceIssuerName", "PricingCategory",
)  # fmt: skip
Written = tuple[str, str]  # a condition as a policy has it, and by hand as SQL


def write_company(home: Path, rows: int, policies: int, budgets: int) -> None:
    """A workspace at `home` whose inbox holds `rows` charges in six files."""
    people = "".join(
        f"  - {{id: p{n}, name: Person {n}, email: p{n}@northwind.example, team: team-{n}}}\n" for n in range(TEAMS)
    )
    teams = "".join(f"  - {{id: team-{n}, name: Team {n}, lead: p{n}, cost_centre: CC-{n}}}\n" for n in range(TEAMS))
    chief = "  - {id: chief, name: Chief, email: chief@northwind.example, team: finops, roles: [finops]}\n"
    texts = {
        "fiscus.yaml": SETTINGS,
        "owners/directory.yaml": f"default_pool: finops\npeople:\n{chief}{people}"
        f"teams:\n  - {{id: finops, name: FinOps, lead: chief, cost_centre: CC-900}}\n{teams}",
        "owners/rules.yaml": RULES,
        "policies/many.yaml": _policies_yaml(policies),
        "budgets/many.yaml": _budgets_yaml(budgets),
    }
    for name, text in texts.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _write_bills(home / "inbox" / "bills", rows)


def policy_ids(count: int) -> list[str]:
    """The ids of the policies, in the order in which they are written."""
    return [f"rule-{n:03d}" for n in range(count)]


def written_policies(count: int) -> list[Written]:
    """The first `count` of the conditions, of every kind in turn."""
    kinds = [
        iter(kind()) for kind in (_team_use, _region, _dear, _no_cost_centre, _temporary, _purchase, _gpu, _no_discount)
    ]
    found: list[Written] = []
    weights = (6, 2, 4, 2, 2, 1, 2, 1)
    while len(found) < count:
        for kind, weight in zip(kinds, weights, strict=True):
            found += [one for one in (next(kind, None) for _ in range(weight)) if one]
    return found[:count]


def _team_use() -> Iterator[Written]:
    for n in range(400):
        team, environment, category = n % TEAMS, ENVIRONMENTS[1 + n % 3], CATEGORIES[(n * 7) % 10]
        yield (
            f'charge.team == "team-{team}" && charge.environment == "{environment}" && charge.ServiceCategory == "{category}"',
            f"x_Team = 'team-{team}' AND x_Environment = '{environment}' AND ServiceCategory = '{category}'",
        )


def _region() -> Iterator[Written]:
    for n in range(100):
        account, one, two = f"acct-{n % TEAMS}-{n % 3}", REGIONS[n % 6], REGIONS[(n + 2) % 6]
        yield (
            f'charge.SubAccountId == "{account}" && !(charge.RegionId in ["{one}", "{two}"])',
            f"SubAccountId = '{account}' AND NOT (RegionId IN ('{one}', '{two}'))",
        )


def _dear() -> Iterator[Written]:
    for n in range(200):
        service, bound = n % SERVICES, 60 + n % 60
        named = f"Service {service}" + (" GPU" if service % 9 == 0 else "")
        yield (
            f'charge.ServiceName == "{named}" && charge.environment != "prod" && charge.EffectiveCost > money("{bound}.00 USD")',
            f"ServiceName = '{named}' AND x_Environment <> 'prod' AND EffectiveCost > {bound}",
        )


def _no_cost_centre() -> Iterator[Written]:
    missing = '!("cost-centre" in charge.tags)'
    for n in range(100):
        yield (
            f'charge.ServiceCategory == "{CATEGORIES[n % 10]}" && charge.team == "team-{n % TEAMS}" && {missing}',
            f"ServiceCategory = '{CATEGORIES[n % 10]}' AND x_Team = 'team-{n % TEAMS}' AND \"x_Tag_cost-centre\" IS NULL",
        )


def _temporary() -> Iterator[Written]:
    for n in range(100):
        yield (
            f'charge.ResourceName.startsWith("tmp-") && charge.environment == "prod" && charge.team == "team-{n % TEAMS}"',
            f"starts_with(ResourceName, 'tmp-') AND x_Environment = 'prod' AND x_Team = 'team-{n % TEAMS}'",
        )


def _purchase() -> Iterator[Written]:
    issuers = ("Amazon Web Services, Inc.", "Microsoft Corporation", "Google LLC")
    for n in range(60):
        issuer, bound = issuers[n % 3], 20 + 5 * n
        dear = f'charge.BilledCost > money("{bound} USD")'
        yield (
            f'charge.ChargeCategory == "Purchase" && charge.InvoiceIssuerName == "{issuer}" && {dear}',
            f"ChargeCategory = 'Purchase' AND InvoiceIssuerName = '{issuer}' AND BilledCost > {bound}",
        )


def _gpu() -> Iterator[Written]:
    for n in range(100):
        yield (
            f'charge.ServiceName.contains("GPU") && charge.environment in ["dev", "test"] && charge.team == "team-{n % TEAMS}"',
            f"contains(ServiceName, 'GPU') AND x_Environment IN ('dev', 'test') AND x_Team = 'team-{n % TEAMS}'",
        )


def _no_discount() -> Iterator[Written]:
    for n in range(60):
        yield (
            f'charge.EffectiveCost > charge.ListCost && charge.team == "team-{n % TEAMS}" && charge.PricingCategory == "Other"',
            f"EffectiveCost > ListCost AND x_Team = 'team-{n % TEAMS}' AND PricingCategory = 'Other'",
        )


def _policies_yaml(count: int) -> str:
    rules = "".join(
        f"  - id: rule-{n:03d}\n    title: Rule {n}\n    on: [charge]\n    when: '{condition}'\n    level: warn\n"
        f"    on_error: hold\n    reason: It is watched.\n    remedy: Look at it.\n    owner: finops\n"
        f"    window_days: {WINDOW_DAYS}\n"
        for n, (condition, _) in enumerate(written_policies(count))
    )
    return f"policies:\n{rules}"


def _budgets_yaml(count: int) -> str:
    """Scopes of eight shapes over seven dimensions; every tenth a quarter, every fiftieth a year that rolls over."""
    shapes = (
        ("team", "environment"), ("team", "service"), ("sub_account", "region"), ("service", "environment"),
        ("cost_centre", "service_category"), ("team", "tag:cost-centre", "environment"), ("provider", "region", "environment"),
        ("team", "service_category", "environment"),
    )  # fmt: skip
    lines = []
    for n in range(count):
        scope = ", ".join(f'"{name}": "{_value(name, n // 8 + 3 * k)}"' for k, name in enumerate(shapes[n % 8]))
        period = "year" if n % 50 == 0 else "quarter" if n % 10 == 0 else "month"
        more = ", rollover: unused" if n % 20 == 0 else ""
        lines.append(
            f"  - {{id: b{n}, title: Budget {n}, scope: {{{scope}}}, period: {period}, currency: USD, amount: {1000 + n}, "
            f"owner: team-{n % TEAMS}{more}}}\n"
        )
    return f"budgets:\n{''.join(lines)}"


def _value(dimension: str, n: int) -> str:
    service = n % SERVICES
    return {
        "team": f"team-{n % TEAMS}",
        "environment": ENVIRONMENTS[n % 4],
        "service": f"Service {service}" + (" GPU" if service % 9 == 0 else ""),
        "sub_account": f"acct-{n % TEAMS}-{n % 3}",
        "region": REGIONS[n % 6],
        "cost_centre": f"CC-{n % TEAMS}",
        "service_category": CATEGORIES[n % 10],
        "tag:cost-centre": f"CC-{n % TEAMS}",
        "provider": ("AWS", "Microsoft", "Google Cloud")[n % 3],
    }[dimension]


def _write_bills(folder: Path, rows: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    db = duckdb.connect()
    db.execute("SET TimeZone='UTC'; SET enable_progress_bar=false")

    def listed(values: tuple[str, ...]) -> str:
        return ", ".join(f"'{value}'" for value in values)

    for number in range(MONTHS):
        start = f"2026-{FIRST_MONTH + number:02d}-01"
        sql = CHARGES.format(
            start=start, iso="%Y-%m-%dT%H:%M:%SZ", first=rows * number // MONTHS, last=rows * (number + 1) // MONTHS,
            resources=min(RESOURCES, max(200, rows // 100)), teams=TEAMS, services=SERVICES, regions=listed(REGIONS),
            categories=listed(CATEGORIES), environments=listed(ENVIRONMENTS),
        )  # fmt: skip
        db.execute(f"COPY ({sql}) TO '{folder / f'bill-{start[:7]}.parquet'}' (FORMAT parquet)")
    db.close()
