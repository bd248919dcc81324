"""What the simulated company buys: feeds, services and prices. Prices are integers of 1e-9 units of currency; illustrative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Defect = Literal["literal_null", "no_zone", "no_currency", "day_first", "long_decimals"]
Form = Literal["csv", "csv.gz", "csv.zst", "parquet"]
AI: Final = "AI and Machine Learning"
TOKENS: Final = "1000000 Tokens"


@dataclass(frozen=True, slots=True)
class Sku:
    """One thing with a price. `publisher` differs from the feed's provider for a marketplace listing."""

    id: str
    service: str
    category: str
    meter: str
    unit: str
    price_nanos: int
    daily_units: int  # a usual day of one resource
    publisher: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """How one vendor sends its bills: FOCUS version, file form and the defects that this vendor is known for."""

    name: str
    provider: str
    issuer: str
    currency: str
    version: str
    form: Form
    lines: int  # how many (resource, SKU) pairs bill each day at scale 1
    skus: tuple[Sku, ...]
    defects: tuple[Defect, ...] = ()


def _tokens(vendor: str, model: str, cents_in: int, cents_out: int, millions: int) -> tuple[Sku, ...]:
    """Input, cached input and output tokens of a model; prices in cents a million."""
    meters = (
        ("input", "Input Tokens", cents_in, millions),
        ("cached", "Cache Read Input Tokens", cents_in // 10, millions * 2),
        ("output", "Output Tokens", cents_out, max(1, millions // 4)),
    )
    service = f"{vendor} API"
    return tuple(
        Sku(f"{model}-{kind}", service, AI, meter, TOKENS, cents * 10**7, day) for kind, meter, cents, day in meters
    )


AWS: Final = (
    Sku("m7i-large", "Amazon Elastic Compute Cloud", "Compute", "BoxUsage", "Hours", 100_800_000, 960),
    Sku("g5-12xlarge", "Amazon Elastic Compute Cloud", "Compute", "BoxUsage", "Hours", 5_672_000_000, 24),
    Sku("s3-standard", "Amazon Simple Storage Service", "Storage", "TimedStorage", "GB-Months", 23_000_000, 2_900),
    Sku("rds-pg", "Amazon Relational Database Service", "Databases", "InstanceUsage", "Hours", 356_000_000, 192),
    Sku("egress", "AWS Data Transfer", "Networking", "DataTransfer-Out", "GB", 90_000_000, 760),
    Sku("mp-vectordb", "Vector Database", "Databases", "Capacity", "Units", 250_000_000, 190, "Pinecone Systems"),
)
AZURE: Final = (
    Sku("d4s-v5", "Virtual Machines", "Compute", "D4s v5", "Hours", 192_000_000, 384),
    Sku("sql-gp", "Azure SQL Database", "Databases", "vCore", "Hours", 252_000_000, 220),
    Sku("blob-hot", "Storage Accounts", "Storage", "Hot LRS", "GB-Months", 18_400_000, 3_200),
    Sku("mp-firewall", "Network Security", "Security", "Gateway", "Hours", 1_120_000_000, 24, "Check Point"),
)
GCP: Final = (
    Sku("n2-std", "Compute Engine", "Compute", "N2 Core", "Hours", 31_611_000, 2_320),
    Sku("bq-slots", "BigQuery", "Analytics", "Slots", "Hours", 60_000_000, 980),
    Sku("gcs-std", "Cloud Storage", "Storage", "Standard", "GB-Months", 20_000_000, 3_100),
    Sku("mp-elastic", "Elastic Cloud", "Analytics", "Units", "Units", 100_000_000, 270, "Elastic"),
)
ORACLE: Final = (
    Sku("adb-ecpu", "Autonomous Database", "Databases", "ECPU", "Hours", 336_000_000, 140),
    Sku("oci-e4", "Compute", "Compute", "E4 OCPU", "Hours", 25_000_000, 900),
)
HUGGING: Final = (Sku("hf-a10g", "Inference Endpoints", AI, "A10G", "Hours", 1_000_000_000, 72),)
SNOWFLAKE: Final = (Sku("sf-credit", "Virtual Warehouse", "Analytics", "Credits", "Credits", 3_000_000_000, 24),)
DATADOG: Final = (
    Sku("dd-host", "Infrastructure Monitoring", "Management and Governance", "Hosts", "Hosts", 493_000_000, 80),
)
GITHUB: Final = (Sku("gh-actions", "GitHub Actions", "Developer Tools", "Minutes", "Minutes", 8_000_000, 6_400),)

FEEDS: Final = (
    Feed("aws", "AWS", "Amazon Web Services, Inc.", "USD", "1.2", "csv.gz", 200, AWS),
    Feed("azure", "Microsoft", "Microsoft", "USD", "1.0", "csv", 90, AZURE, ("literal_null", "long_decimals")),
    Feed("gcp", "Google Cloud", "Google Cloud", "USD", "1.1", "parquet", 80, GCP),
    Feed("oracle", "Oracle", "Oracle Corporation", "USD", "1.0", "csv", 24, ORACLE, ("no_zone",)),
    Feed("openai", "OpenAI", "OpenAI, LLC", "USD", "1.3", "csv.zst", 48, _tokens("OpenAI", "gpt-5", 125, 1000, 60)),
    Feed(
        "anthropic",
        "Anthropic",
        "Anthropic, PBC",
        "USD",
        "1.4",
        "csv",
        42,
        _tokens("Anthropic", "claude-sonnet", 300, 1500, 34),
    ),
    Feed(
        "mistral",
        "Mistral AI",
        "Mistral AI SAS",
        "EUR",
        "1.2",
        "csv",
        12,
        _tokens("Mistral", "mistral-large", 200, 600, 22),
    ),
    Feed("huggingface", "Hugging Face", "Hugging Face, Inc.", "USD", "1.2", "csv", 10, HUGGING),
    Feed(
        "perplexity",
        "Perplexity",
        "Perplexity AI, Inc.",
        "USD",
        "1.2",
        "csv",
        6,
        _tokens("Perplexity", "sonar-pro", 300, 1500, 8),
    ),
    Feed("snowflake", "Snowflake", "Snowflake Inc.", "USD", "1.2", "csv.gz", 16, SNOWFLAKE),
    Feed("datadog", "Datadog", "Datadog, Inc.", "USD", "1.0", "csv", 14, DATADOG, ("day_first",)),
    Feed("github", "GitHub", "GitHub, Inc.", "USD", "1.0", "csv", 8, GITHUB, ("no_currency",)),
)
