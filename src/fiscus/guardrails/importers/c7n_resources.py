"""Cloud Custodian's resources and keys as a bill has them (FOCUS). What a bill does not know has no entry here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

USAGE: Final = 'charge.ChargeCategory == "Usage"'
_AZURE: Final = 'charge.ServiceProviderName == "Microsoft"'
_EC2: Final = 'charge.ServiceName == "Amazon Elastic Compute Cloud"'
# resource -> the condition that picks its charges. Ids are asked for where the service bills several kinds of thing.
RESOURCES: Final[Mapping[str, str]] = {
    "ec2": f'{_EC2} && charge.ResourceId.matches("(^|/)i-[0-9a-f]+$")',
    "ebs": 'charge.ServiceProviderName == "AWS" && charge.ResourceId.matches("(^|/)vol-[0-9a-f]+$")',
    "ebs-snapshot": 'charge.ServiceProviderName == "AWS" && charge.ResourceId.matches("(^|/)snap-[0-9a-f]+$")',
    "network-addr": 'charge.ServiceProviderName == "AWS" && charge.SkuMeter.contains("PublicIPv4")',
    "nat-gateway": 'charge.ServiceProviderName == "AWS" && charge.ResourceId.matches("(^|/)nat-[0-9a-f]+$")',
    "asg": f'{_EC2} && charge.ResourceType.matches("(?i)auto ?scaling ?group")',
    "rds": 'charge.ServiceName == "Amazon Relational Database Service"',
    "s3": 'charge.ServiceName == "Amazon Simple Storage Service"',
    "lambda": 'charge.ServiceName == "AWS Lambda"',
    "cache-cluster": 'charge.ServiceName == "Amazon ElastiCache"',
    "redshift": 'charge.ServiceName == "Amazon Redshift"',
    "dynamodb-table": 'charge.ServiceName == "Amazon DynamoDB"',
    "elasticsearch": 'charge.ServiceName == "Amazon OpenSearch Service"',
    "opensearch": 'charge.ServiceName == "Amazon OpenSearch Service"',
    "eks": 'charge.ServiceName == "Amazon Elastic Kubernetes Service"',
    "ecs-service": 'charge.ServiceName == "Amazon Elastic Container Service"',
    "emr": 'charge.ServiceName == "Amazon EMR"',
    "sagemaker-notebook": 'charge.ServiceName == "Amazon SageMaker" && charge.ResourceType.matches("(?i)notebook")',
    "sagemaker-endpoint": 'charge.ServiceName == "Amazon SageMaker" && charge.ResourceType.matches("(?i)endpoint")',
    "elb": 'charge.ServiceName == "Elastic Load Balancing"',
    "app-elb": 'charge.ServiceName == "Elastic Load Balancing"',
    "azure.vm": f'{_AZURE} && charge.ServiceName == "Virtual Machines"',
    "azure.disk": f'{_AZURE} && charge.ResourceId.matches("(?i)/providers/microsoft.compute/disks/")',
    "azure.storage": f'{_AZURE} && charge.ResourceId.matches("(?i)/microsoft.storage/storageaccounts/")',
    "azure.sqldatabase": f'{_AZURE} && charge.ResourceId.matches("(?i)/microsoft.sql/servers/")',
    "gcp.instance": 'charge.ServiceProviderName == "Google Cloud" && charge.ServiceName == "Compute Engine"',
    "gcp.sql-instance": 'charge.ServiceProviderName == "Google Cloud" && charge.ServiceName == "Cloud SQL"',
    "gcp.bucket": 'charge.ServiceProviderName == "Google Cloud" && charge.ServiceName == "Cloud Storage"',
}
STOPPED_BY: Final[Mapping[str, str]] = {"ec2": "aws.ec2.stop"}  # resource -> the action that Fiscus has for `stop`
# key of a value filter -> the fact that a bill has of it
KEYS: Final[Mapping[str, str]] = {
    "InstanceType": "charge.details.InstanceType", "DBInstanceClass": "charge.details.InstanceType",
    "CacheNodeType": "charge.details.InstanceType", "NodeType": "charge.details.InstanceType",
    "Placement.AvailabilityZone": "charge.AvailabilityZone", "AvailabilityZone": "charge.AvailabilityZone",
    "region": "charge.RegionId", "Region": "charge.RegionId", "location": "charge.RegionId",
    "InstanceId": "charge.ResourceId", "VolumeId": "charge.ResourceId", "Arn": "charge.ResourceId",
    "DBInstanceIdentifier": "charge.ResourceName", "Name": "charge.ResourceName", "name": "charge.ResourceName",
    "account_id": "charge.SubAccountId", "OwnerId": "charge.SubAccountId", "subscriptionId": "charge.SubAccountId",
}  # fmt: skip
RUNNING: Final = ("running", "started", "available-running")
HOURLY: Final = 'charge.ConsumedUnit.matches("(?i)^hours?$")'  # a machine that is billed by the hour is running
AGE_FILTERS: Final = ("instance-age", "instance-uptime", "age", "ebs-age")
AGE_KEYS: Final = (
    "LaunchTime",
    "CreateTime",
    "CreationDate",
    "InstanceCreateTime",
    "StartTime",
    "created",
    "timeCreated",
)
DAYS_MAX: Final = 395


def plain_resource(name: str) -> str:
    """aws.ec2 and ec2 are the same; azure and gcp keep their names."""
    return name.removeprefix("aws.")
