"""What ParallelCluster's programs request on the nodes of a cluster, with the nodes' own roles.

The daemons do not run in a rehearsal; their calls are made here one by one, on the resources that
ParallelCluster's own stack has. Each names the function that makes it: of aws-parallelcluster-node
3.16.1 (`slurm_plugin/`), of aws-parallelcluster-cookbook, of the user data, or of an AWS agent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from gotocloud.contract.tags import CLUSTER_TAG, NODE_TYPE_TAG
from local_aws.testing import DENIED

NODE_NAME = "queue-dy-machine-1"
"""A node as Slurm names it; no permission depends on it."""


@dataclass(frozen=True)
class NodesCluster:
    """A cluster as its nodes find it.

    Args:
        name: The cluster, and its stack.
        table: DynamoDB table with the state of the cluster.
        slurm_table: DynamoDB table with its nodes.
        hosted_zone: Its private zone of names.
        bucket: Where ParallelCluster keeps its artefacts.
        configuration_key: The cluster's configuration there.
        log_group: Where its logs go.
        head_node: Instance of the head node.
        launch_templates: Names of those of the queues.
        scripts: `s3://` addresses of the node scripts.
    """

    name: str
    table: str
    slurm_table: str
    hosted_zone: str
    bucket: str
    configuration_key: str
    log_group: str
    head_node: str
    launch_templates: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()


@dataclass(frozen=True)
class NodeCall:
    """One call of a program.

    Args:
        program: The function that makes it.
        service: boto3's name of the service.
        operation: boto3's name of the operation.
        parameters: As the program gives them.
    """

    program: str
    service: str
    operation: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def both_calls(cluster: NodesCluster, instance: str) -> Iterator[NodeCall]:
    """What every node of a cluster requests.

    Args:
        instance: The node.
    """
    table = {"TableName": cluster.table}
    version = {"Id": {"S": f"CLUSTER_CONFIG.{instance}"}, "Data": {"M": {"status": {"S": "x"}}}}
    save = "dynamo.rb: save_instance_config_version_to_dynamodb"
    yield NodeCall(save, "dynamodb", "put_item", {**table, "Item": version})
    for script in cluster.scripts:
        bucket, _, key = script.removeprefix("s3://").partition("/")
        fetch = "custom_action_executor.py: ScriptRunner"
        yield NodeCall(fetch, "s3", "head_object", {"Bucket": bucket, "Key": key})
        yield NodeCall(fetch, "s3", "get_object", {"Bucket": bucket, "Key": key})
    logs, agent = {"logGroupName": cluster.log_group}, "CloudWatch agent"
    stream = {**logs, "logStreamName": f"ip-10-0-0-1.{instance}.cloud-init"}
    yield NodeCall(agent, "logs", "create_log_stream", stream)
    line = [{"timestamp": 1_700_000_000_000, "message": "ready"}]
    yield NodeCall(agent, "logs", "put_log_events", {**stream, "logEvents": line})
    yield NodeCall(agent, "logs", "describe_log_streams", logs)
    metric = {"Namespace": "CWAgent", "MetricData": [{"MetricName": "mem_used", "Value": 1.0}]}
    yield NodeCall(agent, "cloudwatch", "put_metric_data", metric)


def head_node_calls(cluster: NodesCluster) -> Iterator[NodeCall]:
    """What the head node requests: bootstrap, cookbook and Slurm's daemons."""
    stack = {"StackName": cluster.name, "LogicalResourceId": "HeadNodeLaunchTemplate"}
    yield NodeCall("cfn-init, cfn-hup", "cloudformation", "describe_stack_resource", stack)
    status = "custom_action_executor.py: _get_stack_status"
    yield NodeCall(status, "cloudformation", "describe_stacks", {"StackName": cluster.name})
    artefact = {"Bucket": cluster.bucket, "Key": cluster.configuration_key}
    yield NodeCall("fetch_config.rb: fetch_s3_object", "s3", "get_object", artefact)
    yield from both_calls(cluster, cluster.head_node)
    yield from _fleet_status(cluster)
    yield from _slurm_daemons(cluster)


def _fleet_status(cluster: NodesCluster) -> Iterator[NodeCall]:
    table, key = {"TableName": cluster.table}, {"Key": {"Id": {"S": "COMPUTE_FLEET"}}}
    status = {"Id": {"S": "COMPUTE_FLEET"}, "Data": {"M": {"status": {"S": "RUNNING"}}}}
    yield NodeCall("fleet_status.rb", "dynamodb", "put_item", {**table, "Item": status})
    read = "clusterstatusmgtd.py: ComputeFleetStatusManager"
    yield NodeCall(read, "dynamodb", "get_item", {**table, **key, "ConsistentRead": True})
    change = {
        "UpdateExpression": "SET stamp = :now",
        "ExpressionAttributeValues": {":now": {"S": "n"}},
    }
    yield NodeCall(read, "dynamodb", "update_item", {**table, **key, **change})


def _slurm_daemons(cluster: NodesCluster) -> Iterator[NodeCall]:
    manager = "instance_manager.py:"
    own = [{"Name": f"tag:{CLUSTER_TAG}", "Values": [cluster.name]}]
    compute = [*own, {"Name": f"tag:{NODE_TYPE_TAG}", "Values": ["Compute"]}]
    listed = f"{manager} get_cluster_instances"
    yield NodeCall(listed, "ec2", "describe_instances", {"Filters": compute})
    ill = [{"Name": "instance-status.status", "Values": ["impaired"]}]
    health = f"{manager} get_unhealthy_cluster_instance_status"
    yield NodeCall(health, "ec2", "describe_instance_status", {"Filters": ill})
    host = {"Id": {"S": NODE_NAME}, "InstanceId": {"S": cluster.head_node}}
    put = {"RequestItems": {cluster.slurm_table: [{"PutRequest": {"Item": host}}]}}
    yield NodeCall(f"{manager} _store_assigned_hostnames", "dynamodb", "batch_write_item", put)
    got = {"RequestItems": {cluster.slurm_table: {"Keys": [{"Id": {"S": NODE_NAME}}]}}}
    found = f"{manager} _retrieve_instance_ids_from_dynamo"
    yield NodeCall(found, "dynamodb", "batch_get_item", got)
    record = {"Name": f"{NODE_NAME}.{cluster.name}.pcluster.", "Type": "A", "TTL": 120}
    change = {
        "Action": "UPSERT",
        "ResourceRecordSet": {**record, "ResourceRecords": [{"Value": "10.0.0.9"}]},
    }
    named = {"HostedZoneId": cluster.hosted_zone, "ChangeBatch": {"Changes": [change]}}
    yield NodeCall(
        f"{manager} _update_dns_hostnames", "route53", "change_resource_record_sets", named
    )


def launch_calls(cluster: NodesCluster) -> Iterator[tuple[str, NodeCall]]:
    """How `slurm_resume` and `clustermgtd` start one machine of every launch template."""
    for template in cluster.launch_templates:
        named = {"LaunchTemplateName": template, "Version": "$Latest"}
        given = {"MinCount": 1, "MaxCount": 1, "LaunchTemplate": named}
        program = "fleet_manager.py: Ec2RunInstancesManager"
        yield template, NodeCall(program, "ec2", "run_instances", given)


def compute_node_calls(cluster: NodesCluster, instance: str) -> Iterator[NodeCall]:
    """What a compute node requests while it starts."""
    query = {
        "TableName": cluster.slurm_table,
        "IndexName": "InstanceId",
        "KeyConditionExpression": "InstanceId = :instanceid",
        "ExpressionAttributeValues": {":instanceid": {"S": instance}},
        "ProjectionExpression": "Id",
    }
    yield NodeCall("helpers.rb: dynamodb_info", "dynamodb", "query", query)
    yield from both_calls(cluster, instance)


def console_output(instance: str) -> NodeCall:
    """How `clustermgtd` logs why a node did not start."""
    return NodeCall("console_logger.py", "ec2", "get_console_output", {"InstanceId": instance})


def termination(instances: list[str]) -> NodeCall:
    """How `clustermgtd` ends machines."""
    given = {"InstanceIds": instances}
    return NodeCall("instance_manager.py: delete_instances", "ec2", "terminate_instances", given)


def refusal(client: Any, call: NodeCall) -> tuple[str, dict[str, Any]]:
    """Make a call; returns IAM's refusal, empty if it is allowed, and the answer.

    What fails for another reason than permissions is allowed.
    """
    try:
        return "", getattr(client, call.operation)(**call.parameters)
    except ClientError as error:
        denied = error.response["Error"]["Code"] in DENIED
        return (str(error.response["Error"]["Message"]) if denied else ""), {}
