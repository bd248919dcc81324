"""Who spends what where: one row a stream. Money is contracted cost a day at the simulation's start.

Columns: team environment product account region sku money-a-day shape growth-a-year rows [flag=value ...]
Flags: cover=NAME (a commitment covers it), launch=DAYS (gradual launch that many days before the as-of day).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

AWS: Final = """
perception prod vision-stack prod-robotics us-east-1 ec2-g5 620 traffic 0.25 5 cover=sp-robotics
perception prod vision-stack prod-robotics us-east-1 s3 240 ingest 0.35 4
perception staging vision-stack staging us-east-1 ec2-c6i 95 office 0.15 3
perception dev vision-stack dev us-east-1 ec2-m6i 70 office 0.10 3
navigation prod fleet-os prod-robotics us-east-1 ec2-c6i 410 traffic 0.15 5 cover=sp-robotics
navigation prod fleet-os prod-robotics us-east-1 elasticache 80 flat 0.10 3
navigation staging fleet-os staging us-east-1 eks 60 office 0.10 3
manipulation prod warehouse-bot prod-robotics us-west-2 ec2-c6i 260 traffic 0.20 4 cover=sp-robotics
manipulation dev warehouse-bot dev us-west-2 ec2-m6i 60 office 0.10 2
fleet-control prod fleet-os prod-robotics us-east-1 eks 520 traffic 0.25 6 cover=sp-fleet
fleet-control prod fleet-os prod-robotics eu-west-1 eks 310 traffic 0.30 4 cover=sp-fleet
fleet-control prod fleet-os prod-robotics us-east-1 dynamodb 190 traffic 0.20 3
fleet-control prod fleet-os prod-robotics us-east-1 kinesis 130 ingest 0.25 3
fleet-control staging fleet-os staging us-east-1 eks 90 office 0.10 3
simulation dev sim-lab ml-training us-west-2 ec2-g5 330 train 0.15 4
simulation staging sim-lab staging us-west-2 ec2-c6i 110 train 0.10 3
firmware dev warehouse-bot dev us-east-1 lambda 25 office 0.05 3
firmware prod warehouse-bot prod-robotics us-east-1 s3 45 ingest 0.15 3
data-platform prod data-lake data-prod us-east-1 emr 360 batch 0.15 5
data-platform prod data-lake data-prod us-east-1 s3 420 ingest 0.30 6
data-platform prod data-lake data-prod us-east-1 s3-requests 55 ingest 0.15 3
data-platform prod data-lake data-prod us-east-1 rds 160 flat 0.05 3 cover=ri-rds
data-platform staging data-lake staging us-east-1 emr 60 office 0.05 2
analytics prod data-lake data-prod us-east-1 ec2-r6i 150 batch 0.10 3
ml-platform prod ml-studio ml-training us-east-1 sagemaker 560 train 0.20 4
ml-platform staging ml-studio ml-training us-east-1 sagemaker-nb 85 office 0.15 4
ml-platform prod ml-studio ml-training us-east-1 bedrock 70 office 0.30 2
ml-research dev ml-studio ml-training us-west-2 sagemaker 240 train 0.20 3
ml-research dev ml-studio ml-training us-west-2 s3 60 ingest 0.25 2
storefront prod storefront prod-core us-east-1 ec2-m6i 330 traffic 0.15 5 cover=sp-core
storefront prod storefront prod-core us-east-1 rds 210 flat 0.08 3 cover=ri-rds
storefront prod storefront prod-core us-east-1 cloudfront 120 traffic 0.20 3
storefront prod storefront prod-core us-east-1 elasticache 60 flat 0.05 2
storefront staging storefront staging us-east-1 ec2-m6i 55 office 0.05 2
mobile-apps prod mobile-app prod-core us-east-1 lambda 75 traffic 0.25 3
mobile-apps prod mobile-app prod-core us-east-1 dynamodb 65 traffic 0.20 2
customer-portal prod customer-portal prod-core eu-west-1 ec2-m6i 210 traffic 0.10 4 cover=sp-core
customer-portal prod customer-portal prod-core eu-west-1 rds 130 flat 0.05 2 cover=ri-rds
customer-portal staging customer-portal staging eu-west-1 ec2-m6i 40 office 0.05 2
support-assistant prod support-assistant prod-core us-east-1 eks 95 traffic 0.30 3
support-assistant prod support-assistant prod-core us-east-1 dynamodb 30 traffic 0.30 2
support-assistant staging support-assistant staging us-east-1 eks 25 office 0.15 2
telemetry prod telemetry-hub data-prod us-east-1 kinesis 310 ingest 0.40 4
telemetry prod telemetry-hub data-prod us-east-1 ec2-r6i 260 traffic 0.25 4 cover=sp-core
telemetry prod telemetry-hub data-prod eu-west-1 kinesis 120 ingest 0.40 3
telemetry staging telemetry-hub staging us-east-1 kinesis 30 office 0.15 2
integrations prod integrations-hub prod-core us-east-1 lambda 60 office 0.15 3
search prod search prod-core us-east-1 ec2-r6i 180 traffic 0.12 3 cover=sp-core
platform prod dev-platform prod-core us-east-1 eks 140 flat 0.10 4
platform prod dev-platform prod-core us-east-1 cloudwatch 170 ingest 0.20 5
platform prod dev-platform prod-core us-east-1 backup 75 flat 0.20 3
developer-experience dev dev-platform dev us-east-1 ec2-c6i 150 office 0.15 4
developer-experience dev dev-platform dev us-east-1 s3 25 flat 0.20 2
sre prod dev-platform prod-core us-east-1 ec2-m6i 90 flat 0.05 3
networking prod shared-network shared-network us-east-1 nat 190 traffic 0.15 4
networking prod shared-network shared-network us-east-1 transfer 260 traffic 0.20 5
networking prod shared-network shared-network eu-west-1 transfer 90 traffic 0.20 3
security-engineering prod security security-audit us-east-1 guardduty 110 ingest 0.15 4
security-engineering prod security security-audit us-east-1 s3 35 ingest 0.30 2
manufacturing prod factory manufacturing us-west-2 ec2-m6i 180 office 0.05 4
manufacturing prod factory manufacturing us-west-2 rds 90 flat 0.05 2
logistics prod factory manufacturing us-west-2 lambda 40 office 0.10 2
"""
AZURE: Final = """
it-services prod internal-it corp-it westeurope avd 340 office 0.05 7
it-services prod internal-it corp-it westeurope disk 120 flat 0.05 4
it-services prod internal-it corp-it westeurope monitor 90 ingest 0.10 3
supply-chain prod erp erp-prod westeurope vm-e16 420 office 0.04 6 cover=az-erp
supply-chain prod erp erp-prod westeurope sql 330 batch 0.05 5
supply-chain staging erp erp-test westeurope vm-e16 95 office 0.02 3
finance prod erp erp-prod westeurope sql 140 batch 0.03 3
manufacturing prod factory vision-prod eastus2 vm-d8 310 office 0.10 5
perception prod vision-stack vision-prod eastus2 vm-nc 520 train 0.15 5
perception prod vision-stack vision-prod eastus2 blob 160 ingest 0.30 4
perception staging vision-stack vision-staging eastus2 vm-nc 130 office 0.10 3
field-service prod field-app field-apps eastus2 functions 85 office 0.10 4
field-service prod field-app field-apps eastus2 cosmos 120 traffic 0.10 4
field-service prod field-app field-apps eastus2 sql 90 flat 0.05 3
sales prod crm-bridge field-apps eastus2 functions 45 office 0.10 3
customer-success prod support-assistant field-apps eastus2 openai 110 office 0.35 3
security-engineering prod security corp-it westeurope defender 95 flat 0.06 4
networking prod shared-network corp-it westeurope bandwidth 130 traffic 0.10 4
integrations prod integrations-hub field-apps eastus2 aks 60 flat 0.05 2
"""
GCP: Final = """
analytics prod data-lake analytics-prod us-central1 bigquery 520 batch 0.20 6 cover=cud-bq
analytics prod data-lake analytics-prod us-central1 bq-storage 140 flat 0.30 4
data-platform prod data-lake analytics-prod us-central1 dataflow 260 ingest 0.15 5
data-platform prod data-lake analytics-prod us-central1 gcs 130 ingest 0.25 4
data-platform prod data-lake analytics-prod us-central1 pubsub 90 ingest 0.20 3
search prod search search-prod us-central1 gke 280 traffic 0.15 5
search prod search search-prod europe-west4 gke 150 traffic 0.15 3
search staging search search-staging us-central1 gke 45 office 0.05 2
search prod search search-prod us-central1 gemini 95 traffic 0.40 3
navigation prod fleet-os maps-prod us-central1 maps 330 traffic 0.20 5
logistics prod factory maps-prod us-central1 maps 120 office 0.12 3
ml-research dev ml-studio ml-dev us-central1 vertex 310 train 0.15 4
ml-research dev ml-studio ml-dev us-central1 a2 140 train 0.10 3
ml-platform prod ml-studio ml-prod us-central1 vertex 210 train 0.15 3
marketing prod web-analytics analytics-prod us-central1 run 45 office 0.10 2
platform prod dev-platform search-prod us-central1 logging 80 ingest 0.15 3
networking prod shared-network search-prod us-central1 egress 95 traffic 0.12 3
"""
ORACLE: Final = """
supply-chain prod erp erp-prod us-ashburn-1 B95701 460 batch 0.05 5
supply-chain prod erp erp-prod us-ashburn-1 B91961 70 flat 0.08 3
supply-chain staging erp erp-test us-ashburn-1 B95701 85 office 0.03 2
finance prod erp erp-prod us-ashburn-1 B95701 190 batch 0.04 3
manufacturing prod factory factory-prod us-ashburn-1 B92306 150 office 0.05 4
manufacturing prod factory factory-prod us-ashburn-1 B88325 35 flat 0.05 2
integrations prod integrations-hub erp-prod us-ashburn-1 B90324 95 office 0.06 3
networking prod shared-network erp-prod us-ashburn-1 B88327 30 traffic 0.05 2
data-platform prod data-lake factory-prod us-ashburn-1 B91628 40 ingest 0.10 2
"""
SNOWFIELD: Final = """
analytics prod data-lake northwind-us us-east-1 compute 480 batch 0.25 4
data-platform prod data-lake northwind-us us-east-1 compute 330 ingest 0.20 3
data-platform prod data-lake northwind-us us-east-1 serverless 90 ingest 0.20 2
data-platform prod data-lake northwind-us us-east-1 storage 110 flat 0.30 2
finance prod erp northwind-us us-east-1 compute 80 batch 0.10 1
marketing prod web-analytics northwind-us us-east-1 compute 95 office 0.15 2
ml-research dev ml-studio northwind-us us-east-1 compute 70 office 0.20 1
telemetry prod telemetry-hub northwind-us us-east-1 serverless 85 ingest 0.25 2
"""
DOGWATCH: Final = """
sre prod dev-platform northwind-prod - infra-host 260 flat 0.15 3
sre prod dev-platform northwind-prod - apm-host 190 flat 0.15 3
telemetry prod telemetry-hub northwind-prod - log-ingest 420 traffic 0.15 4
platform prod dev-platform northwind-prod - log-index 120 traffic 0.15 3
storefront prod storefront northwind-prod - synthetics 40 flat 0.10 2
fleet-control prod fleet-os northwind-prod - apm-host 80 flat 0.20 2
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """One row of the tables above. `money` is a day's contracted cost at the start, in the source's currency."""

    team: str
    environment: str
    product: str
    account: str
    region: str
    sku: str
    money: Decimal
    shape: str
    growth: float
    rows: int
    flags: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.team}/{self.environment}/{self.product}/{self.account}/{self.region}/{self.sku}"


def parse_streams(table: str) -> list[Stream]:
    """The rows of a table, in their order."""
    streams: list[Stream] = []
    for row in table.strip().splitlines():
        team, environment, product, account, region, sku, money, shape, growth, rows, *flags = row.split()
        region = "" if region == "-" else region
        pairs = dict(flag.split("=") for flag in flags)
        place = (team, environment, product, account, region, sku)
        streams.append(Stream(*place, Decimal(money), shape, float(growth), int(rows), pairs))
    return streams
