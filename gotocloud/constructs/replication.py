"""How the software gets from the master into every region: DataSync, when it changes."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_datasync as datasync
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from gotocloud.constructs.policy import PARTITION, Statement, acknowledge
from gotocloud.constructs.sdk_calls import LOGS_WITHOUT_OWN_KEY, Call, SdkCalls
from gotocloud.constructs.software_store import NFS, SoftwareStore
from gotocloud.constructs.zoned_network import ZonedNetwork
from gotocloud.contract.names import MASTER_LOCATION, REPLICATION_LOGS, REPLICATION_ROLE

EVERY_WEEK = "cron(0 3 ? * SUN *)"
"""Sunday, 03:00 UTC: a net below `gotocloud software publish` and `replicate`, which copy at once.

A run looks at every file of both sides, and EFS bills at least 4 KiB of metadata for each: a
million files cost about 0.24 USD a run, so 175 USD a month if it ran every hour.
"""


class ReplicationRole(Construct):
    """The role with which DataSync opens file systems; their own policies let it in.

    One for the account: RegionStacks refer to it by its fixed name.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.role: iam.IRole = iam.Role(
            self,
            "Role",
            role_name=REPLICATION_ROLE,
            description="DataSync reads the master and writes the replicas with it.",
            assumed_by=iam.ServicePrincipal(
                "datasync.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
        )

    @staticmethod
    def of_account(scope: Construct, construct_id: str) -> iam.IRole:
        """The role, from another region's stack."""
        stack = Stack.of(scope)
        arn = f"arn:{PARTITION}:iam::{stack.account}:role/{REPLICATION_ROLE}"
        return iam.Role.from_role_arn(scope, construct_id, arn, mutable=False)


class SoftwareLocation(Construct):
    """A software store as DataSync sees it.

    Args:
        store: The file system.
        network: Its network; DataSync works from the first subnet.
        role: Role with which DataSync opens the file system.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        store: SoftwareStore,
        network: ZonedNetwork,
        role: iam.IRole,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=network.vpc,
            description="DataSync on its way to the mount targets",
            allow_all_outbound=False,
        )
        security_group.connections.allow_to(store.security_group, NFS, "NFS for DataSync")
        subnet = next(iter(network.subnets.values()))
        self.location = datasync.CfnLocationEFS(
            self,
            "Location",
            efs_filesystem_arn=store.file_system.attr_arn,
            ec2_config=datasync.CfnLocationEFS.Ec2ConfigProperty(
                security_group_arns=[store.security_group_arn(security_group)],
                subnet_arn=stack.format_arn(
                    service="ec2", resource="subnet", resource_name=subnet.ref
                ),
            ),
            file_system_access_role_arn=role.role_arn,
            in_transit_encryption="TLS1_2",
        )
        for target in store.mount_targets.values():
            self.location.add_resource_dependency(target)

    @property
    def arn(self) -> str:
        """ARN of the DataSync location."""
        return self.location.attr_location_arn


class PublishedLocation(Construct):
    """The master's location, written down where every region's stack can read it.

    CloudFormation has no references between regions.

    Args:
        location: The master's location.
    """

    def __init__(self, scope: Construct, construct_id: str, *, location: SoftwareLocation) -> None:
        super().__init__(scope, construct_id)
        ssm.CfnParameter(
            self,
            "Parameter",
            name=MASTER_LOCATION,
            type="String",
            value=location.arn,
            description="DataSync location of the software's master",
        )

    @staticmethod
    def read_statement(partition: str, account: str, home_region: str) -> Statement:
        """What a deployment role needs to read it."""
        return Statement(
            sid="ReadMasterLocation",
            actions=["ssm:GetParameter"],
            resources=[f"arn:{partition}:ssm:{home_region}:{account}:parameter{MASTER_LOCATION}"],
        )

    @staticmethod
    def read(calls: SdkCalls, home_region: str) -> str:
        """ARN of the master's location, looked up when the stack is deployed."""
        return calls.add(
            "MasterLocation",
            identity="master-location",
            make=Call(
                service="SSM",
                action="getParameter",
                parameters={"Name": MASTER_LOCATION},
                region=home_region,
            ),
            returns="Parameter.Value",
        ).get_response_field("Parameter.Value")


class ReplicationLog(Construct):
    """Where DataSync writes what it did, for all tasks of a region."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.log_group = logs.CfnLogGroup(
            self, "LogGroup", log_group_name=REPLICATION_LOGS, retention_in_days=90
        )
        acknowledge(
            self.log_group, {"NIST.800.53.R5-CloudWatchLogGroupEncrypted": LOGS_WITHOUT_OWN_KEY}
        )
        arn = f"arn:{PARTITION}:logs:{stack.region}:{stack.account}:log-group"
        self.policy = logs.CfnResourcePolicy(
            self,
            "Policy",
            policy_name=REPLICATION_ROLE,
            policy_document=stack.to_json_string(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "DataSyncWritesItsLog",
                            "Effect": "Allow",
                            "Principal": {"Service": "datasync.amazonaws.com"},
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": f"{arn}:{REPLICATION_LOGS}:*",
                            "Condition": {"StringEquals": {"aws:SourceAccount": stack.account}},
                        }
                    ],
                }
            ),
        )
        # Known beforehand; GetAtt Arn of a log group ends in ":*", which DataSync refuses.
        self.arn = f"{arn}:{REPLICATION_LOGS}"


class Replication(Construct):
    """What changed in the master changes in a replica, deletions too, once it is started.

    `gotocloud software publish` and `replicate` start it, and a weekly schedule.

    Args:
        name: Name of the DataSync task.
        master_arn: ARN of the master's DataSync location.
        replica: The replica's location.
        log: Where the task writes what it did.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        master_arn: str,
        replica: SoftwareLocation,
        log: ReplicationLog,
    ) -> None:
        super().__init__(scope, construct_id)
        self.task = datasync.CfnTask(
            self,
            "Task",
            name=name,
            source_location_arn=master_arn,
            destination_location_arn=replica.arn,
            cloud_watch_log_group_arn=log.arn,
            schedule=datasync.CfnTask.TaskScheduleProperty(schedule_expression=EVERY_WEEK),
            options=datasync.CfnTask.OptionsProperty(
                log_level="BASIC",
                overwrite_mode="ALWAYS",
                preserve_deleted_files="REMOVE",
                transfer_mode="CHANGED",
                verify_mode="ONLY_FILES_TRANSFERRED",
            ),
        )
        self.task.add_resource_dependency(log.log_group)
        self.task.add_resource_dependency(log.policy)
