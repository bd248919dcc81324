"""What the vendors sell: SKUs with list prices and what Northwind's contracts make of them. Prices are illustrative, not quotes."""

from __future__ import annotations

import base64
import hashlib
from decimal import Decimal
from typing import Final

from fiscus.twin.line import UNIT, Sku

# key | service | category | subcategory | meter | unit | list price | resource type | details k=v;...
AWS: Final = """
ec2-m6i|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:m6i.8xlarge|Hours|1.536|Auto Scaling group|InstanceType=m6i.8xlarge;CoreCount=32;MemorySize=128
ec2-c6i|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:c6i.8xlarge|Hours|1.36|Auto Scaling group|InstanceType=c6i.8xlarge;CoreCount=32;MemorySize=64
ec2-r6i|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:r6i.8xlarge|Hours|2.016|Auto Scaling group|InstanceType=r6i.8xlarge;CoreCount=32;MemorySize=256
ec2-g5|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:g5.12xlarge|Hours|5.672|Auto Scaling group|InstanceType=g5.12xlarge;CoreCount=48;GpuCount=4;MemorySize=192
ebs-gp3|Amazon Elastic Block Store|Storage|Block Storage|EBS:VolumeUsage.gp3|GB-Months|0.08|Volume|x_VolumeType=gp3
eks|Amazon Elastic Kubernetes Service|Compute|Containers|Fargate-vCPU-Hours:perCPU|vCPU-Hours|0.04048|Cluster|
lambda|AWS Lambda|Compute|Serverless Compute|Lambda-GB-Second|1000 GB-Seconds|0.016667|Function|
rds|Amazon Relational Database Service|Databases|Relational Databases|InstanceUsage:db.r6g.4xl|Hours|1.719|DB instance|InstanceType=db.r6g.4xlarge;CoreCount=16;MemorySize=128
dynamodb|Amazon DynamoDB|Databases|NoSQL Databases|WriteRequestUnits|1000000 Requests|1.25|Table|
elasticache|Amazon ElastiCache|Databases|Caching|NodeUsage:cache.r6g.xlarge|Hours|0.411|Cluster|InstanceType=cache.r6g.xlarge;CoreCount=4
s3|Amazon Simple Storage Service|Storage|Object Storage|TimedStorage-ByteHrs|GB-Months|0.023|Bucket|StorageClass=Standard
s3-requests|Amazon Simple Storage Service|Storage|Object Storage|Requests-Tier1|1000 Requests|0.005|Bucket|
transfer|AWS Data Transfer|Networking|Network Infrastructure|DataTransfer-Out-Bytes|GB|0.09|Gateway|
cloudfront|Amazon CloudFront|Networking|Content Delivery|US-DataTransfer-Out-Bytes|GB|0.085|Distribution|
nat|Amazon Virtual Private Cloud|Networking|Network Connectivity|NatGateway-Bytes|GB|0.045|NAT gateway|
kinesis|Amazon Kinesis|Analytics|Streaming Analytics|PutRecord-Units|1000000 Units|0.014|Stream|
emr|Amazon EMR|Analytics|Data Processing|BoxUsage:emr.m6i.8xlarge|Hours|0.27|Cluster|
sagemaker|Amazon SageMaker|AI and Machine Learning|Machine Learning|Train:ml.p4d.24xlarge|Hours|37.688|Training job|InstanceType=ml.p4d.24xlarge;CoreCount=96;GpuCount=8
sagemaker-nb|Amazon SageMaker|AI and Machine Learning|Machine Learning|Notebk:ml.g5.2xlarge|Hours|1.515|Notebook|InstanceType=ml.g5.2xlarge;GpuCount=1
bedrock|Amazon Bedrock|AI and Machine Learning|Generative AI|Titan-Embed-Input-Tokens|1000000 Tokens|0.02|Model|
cloudwatch|Amazon CloudWatch|Management and Governance|Observability|VendedLog-Bytes|GB|0.5|Log group|
guardduty|Amazon GuardDuty|Security|Threat Detection and Response|PaidEventsAnalyzed|1000000 Events|4|Detector|
backup|AWS Backup|Storage|Backup Storage|WarmStorage-ByteHrs|GB-Months|0.05|Vault|
support|AWS Support|Other|Other (Other)|EnterpriseSupport|Days|1|Plan|
p4d|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:p4d.24xlarge|Hours|32.7726|Instance|InstanceType=p4d.24xlarge;CoreCount=96;GpuCount=8;MemorySize=1152
g5-24|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:g5.24xlarge|Hours|8.144|Instance|InstanceType=g5.24xlarge;CoreCount=96;GpuCount=4;MemorySize=384
g5-2|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:g5.2xlarge|Hours|1.212|Instance|InstanceType=g5.2xlarge;CoreCount=8;GpuCount=1;MemorySize=32
m6i-2|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:m6i.2xlarge|Hours|0.384|Instance|InstanceType=m6i.2xlarge;CoreCount=8;MemorySize=32
c6i-4|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:c6i.4xlarge|Hours|0.68|Instance|InstanceType=c6i.4xlarge;CoreCount=16;MemorySize=32
t3-large|Amazon Elastic Compute Cloud|Compute|Virtual Machines|BoxUsage:t3.large|Hours|0.0832|Instance|InstanceType=t3.large;CoreCount=2;MemorySize=8
"""
AZURE: Final = """
vm-d8|Virtual Machines|Compute|Virtual Machines|D8s v5|1 Hour|0.384|Virtual machine|
vm-e16|Virtual Machines|Compute|Virtual Machines|E16s v5|1 Hour|1.008|Virtual machine|
vm-nc|Virtual Machines|Compute|Virtual Machines|NC24ads A100 v4|1 Hour|3.673|Virtual machine|
aks|Azure Kubernetes Service|Compute|Containers|Standard Uptime SLA|1 Hour|0.6|Managed cluster|
disk|Storage|Storage|Block Storage|P30 LRS Disk|1/Month|135.17|Disk|
blob|Storage|Storage|Object Storage|Hot LRS Data Stored|1 GB/Month|0.0184|Storage account|
sql|SQL Database|Databases|Relational Databases|General Purpose vCore|1 Hour|0.505074|SQL database|
cosmos|Azure Cosmos DB|Databases|NoSQL Databases|100 RU/s|1/Hour|0.008|Cosmos DB account|
functions|Functions|Compute|Serverless Compute|Execution Time|1000 GB Second|0.016|App service|
bandwidth|Bandwidth|Networking|Network Infrastructure|Standard Data Transfer Out|1 GB|0.087|Virtual network|
monitor|Azure Monitor|Management and Governance|Observability|Pay-as-you-go Data Ingestion|1 GB|2.76|Log Analytics workspace|
openai|Azure OpenAI Service|AI and Machine Learning|Generative AI|gpt 5 mini inp|1000000 Tokens|0.25|Cognitive Services account|
defender|Microsoft Defender for Cloud|Security|Security Posture Management|Standard Node|1 Hour|0.02|Subscription|
avd|Azure Virtual Desktop|Compute|End User Computing|D4s v5 session host|1 Hour|0.192|Host pool|
support|Support|Other|Other (Other)|Unified Support|1 Day|1|Plan|
"""
GCP: Final = """
n2|Compute Engine|Compute|Virtual Machines|N2 Instance Core running in Americas|hour|0.031611|compute.googleapis.com/Instance|
a2|Compute Engine|Compute|Virtual Machines|A100 GPU attached to Spot Preemptible VMs|hour|1.1|compute.googleapis.com/Instance|GpuCount=1
bigquery|BigQuery|Analytics|Data Warehouses|Enterprise Edition Slot|slot hour|0.06|bigquery.googleapis.com/Reservation|
bq-storage|BigQuery Storage|Storage|Other (Storage)|Active Logical Storage|gibibyte month|0.02|bigquery.googleapis.com/Dataset|
gcs|Cloud Storage|Storage|Object Storage|Standard Storage US Multi-region|gibibyte month|0.026|storage.googleapis.com/Bucket|StorageClass=Standard
gke|Google Kubernetes Engine|Compute|Containers|Autopilot Pod mCPU Requests|1000 hour|0.0445|container.googleapis.com/Cluster|
run|Cloud Run|Compute|Serverless Compute|CPU Allocation Time|1000 second|0.024|run.googleapis.com/Service|
vertex|Vertex AI|AI and Machine Learning|Machine Learning|Training N1 with A100|hour|2.933908|aiplatform.googleapis.com/CustomJob|GpuCount=1
gemini|Gemini API|AI and Machine Learning|Generative AI|Gemini 2.5 Flash Text Input|1000000 Tokens|0.3|aiplatform.googleapis.com/Model|
maps|Maps Platform|Developer Tools|Other (Developer Tools)|Routes API Compute Routes|1000 count|5|serviceusage.googleapis.com/Service|
pubsub|Cloud Pub/Sub|Integration|Messaging|Message Delivery Basic|tebibyte|40|pubsub.googleapis.com/Topic|
dataflow|Cloud Dataflow|Analytics|Data Processing|vCPU Time Streaming|hour|0.069|dataflow.googleapis.com/Job|
egress|Networking|Networking|Network Infrastructure|Network Inter Region Egress|gibibyte|0.08|compute.googleapis.com/Network|
logging|Cloud Logging|Management and Governance|Observability|Log Storage cost|gibibyte|0.5|logging.googleapis.com/LogBucket|
"""
ORACLE: Final = """
B93297|COMPUTE|Compute|Virtual Machines|Standard - A1|OCPU Per Hour|0.01|instance|
B92306|COMPUTE|Compute|Virtual Machines|Standard - E4|OCPU Per Hour|0.025|instance|
B95701|DATABASE|Databases|Relational Databases|Oracle Autonomous Transaction Processing - ECPU|ECPU Per Hour|0.336|autonomousdatabase|
B88325|BLOCK_STORAGE|Storage|Block Storage|Block Volume - Performance Units|Performance Units Per GB Per Month|0.0017|volume|
B91961|BLOCK_STORAGE|Storage|Block Storage|Block Volume - Storage|Gigabyte Storage Capacity Per Month|0.0255|volume|
B88327|NETWORK|Networking|Network Infrastructure|Outbound Data Transfer|Gigabyte Outbound Data Transfer Per Month|0.0085|vcn|
B91628|OBJECTSTORE|Storage|Object Storage|Object Storage - Storage|Gigabyte Storage Capacity Per Month|0.0255|bucket|
B90324|INTEGRATION|Integration|Workflow Orchestration|Integration Cloud Service - Enterprise|5K Messages Per Hour|1.2903|integrationinstance|
"""
SNOWFIELD: Final = """
compute|Snowfield Data Cloud|Analytics|Data Warehouses|Compute Credits|Credits|3.1|Warehouse|
serverless|Snowfield Tasks|Analytics|Data Processing|Serverless Task Credits|Credits|3.1|Task|
storage|Snowfield Storage|Storage|Storage Platforms|Storage|TB-Months|23|Database|
"""
DOGWATCH: Final = """
infra-host|Dogwatch Infrastructure|Management and Governance|Observability|Infrastructure Hosts|Host-Days|0.6|Organization|
apm-host|Dogwatch APM|Management and Governance|Observability|APM Hosts|Host-Days|1.2|Organization|
log-ingest|Dogwatch Logs|Management and Governance|Observability|Log Ingestion|GB|0.1|Index|
log-index|Dogwatch Logs|Management and Governance|Observability|Indexed Log Events|1000000 Events|1.7|Index|
synthetics|Dogwatch Synthetics|Developer Tools|Quality Assurance|Browser Test Runs|1000 Runs|12|Organization|
"""
SEATS: Final = """
codeharbor-seat|CodeHarbor Enterprise|Developer Tools|Source Code Management|Enterprise Seat|Users|21|Organization|
codeharbor-ci|CodeHarbor Runners|Developer Tools|Continuous Integration and Deployment|Linux 8-core|1000 Minutes|32|Repository|
codeharbor-copilot|CodeHarbor Assist|Developer Tools|Development Environments|Assist Seat|Users|39|Organization|
workdesk-suite|Workdesk Suite|Business Applications|Productivity and Collaboration|Business Seat|Users|18|Workspace|
workdesk-crm|Workdesk CRM|Business Applications|Other (Business Applications)|CRM Seat|Users|90|Workspace|
workdesk-helpdesk|Workdesk Helpdesk|Business Applications|Support|Agent Seat|Users|69|Workspace|
"""
# percent of list that the contract leaves
CONTRACT: Final = {
    "aws": 96,
    "azure": 94,
    "gcp": 95,
    "oracle": 90,
    "snowfield": 88,
    "dogwatch": 100,
    "codeharbor": 100,
    "workdesk": 92,
}
NAMES_BY_SOURCE: Final = {
    "aws": AWS, "azure": AZURE, "gcp": GCP, "oracle": ORACLE, "snowfield": SNOWFIELD, "dogwatch": DOGWATCH,
    "codeharbor": SEATS, "workdesk": SEATS,
}  # fmt: skip


def price(text: str) -> int:
    """A price in millionths."""
    return int(Decimal(text) * UNIT)


def code(name: str, length: int = 16) -> str:
    """A vendor-like code that is always the same for a name."""
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:length]


def catalogue(source: str) -> dict[str, Sku]:
    """SKUs of a source by our short key."""
    found: dict[str, Sku] = {}
    for row in NAMES_BY_SOURCE[source].strip().splitlines():
        key, service, category, subcategory, meter, unit, list_price, kind, details = row.split("|")
        listed = price(list_price)
        number, _, consumed = unit.partition(" ")
        if not number.isdigit():
            number, consumed = "1", unit
        own = {"oracle": key, "azure": code(meter, 12), "aws": code(meter), "gcp": f"{code(meter, 4)}-{code(key, 4)}"}
        sku_id = own.get(source, f"{source}-{key.removeprefix(f'{source}-')}")
        found[key] = Sku(
            id=sku_id,
            service=service,
            category=category,
            subcategory=subcategory,
            meter=meter,
            text=f"{meter} ({service})",
            unit=unit,
            list_price=listed,
            contracted_price=(listed * CONTRACT[source] + 50) // 100,
            consumed_unit=consumed,
            consumed_per_unit=int(number),
            resource_type=kind,
            details=_details(details),
            price_id=f"{sku_id}.JRTCKXETXF.6YS6EN2CT7" if source == "aws" else f"{sku_id}-std",
        )
    return found


def _details(text: str) -> dict[str, object]:
    pairs = (pair.split("=") for pair in text.split(";") if pair)
    return {key: int(value) if value.isdigit() else value for key, value in pairs}
