"""ParallelCluster's provider: its own library makes and deletes clusters; stand-alone.

Executed by the Python of ParallelCluster's virtual environment, with the credentials of the
provider's role in each order. It does what AWS's provider function does around the library
(aws-parallelcluster, cloudformation/custom_resource/cluster.yaml): the tags of the outer stack,
the event in its bucket, the polling; so IAM decides on the same calls.

Argument: the version of ParallelCluster that is meant; another one is refused.
Standard input: one order a line, JSON {"operation", "name", "region", "environment"}, and for
"create" also {"properties", "stack_id", "bucket"}.
Standard output: one line of JSON for each: {"data"} or {"error"}.
"""

# Its imports exist only in the other environment, where mypy does not run.
# mypy: ignore-errors

import json
import os
import sys
from pathlib import Path

import boto3
import pcluster.lib as library
from pcluster.api import encoder
from pcluster.api.errors import NotFoundException, exception_message
from pcluster.aws.aws_api import AWSApi
from pcluster.aws.common import Cache
from pcluster.cli.exceptions import APIOperationException, ParameterException
from pcluster.utils import to_snake_case

# Behind everything else: the modules of this folder hide none.
sys.path.append(str(Path(__file__).parent))
from pcluster_library import opened

NOT_FOR_THE_LIBRARY = {"ServiceToken", "DeletionPolicy", "ClusterConfiguration"}


def _act_as(order):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(order["environment"])
    os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = order["region"]
    # Answers, clients and credentials are remembered from one order to the next.
    boto3.DEFAULT_SESSION = None
    AWSApi.reset()
    Cache.clear_all()


def _stack_tags(stack_id, overrides):
    stacks = boto3.client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"]
    return [
        tag
        for tag in stacks[0].get("Tags", [])
        if not tag["Key"].startswith("aws:") and tag["Key"] not in overrides
    ]


def create(order):
    """Create a cluster; returns as soon as its stack is under way."""
    properties = order["properties"]
    configuration = dict(properties["ClusterConfiguration"])
    name = properties["ClusterName"]
    store = boto3.client("s3")
    store.put_object(
        Bucket=order["bucket"], Key=f"{name}/event.json", Body=json.dumps(properties).encode()
    )
    own = configuration.get("Tags", [])
    tags = _stack_tags(order["stack_id"], {tag["Key"] for tag in own})
    mark = [{"Key": "parallelcluster:custom_resource", "Value": "cluster"}]
    configuration["Tags"] = tags + own + mark
    options = {
        to_snake_case(key): value
        for key, value in properties.items()
        if key not in NOT_FOR_THE_LIBRARY
    }
    return library.create_cluster(**options, cluster_configuration=configuration, wait=False)


def describe(order):
    """What the provider's polling reads; {} when the cluster is gone."""
    try:
        return library.describe_cluster(cluster_name=order["name"])
    except (ParameterException, NotFoundException):
        return {}
    except APIOperationException as error:
        if error.data.get("message", "").endswith(
            "does not exist or belongs to an incompatible ParallelCluster major version."
        ):
            return {}
        raise


def delete(order):
    """Delete a cluster; returns as soon as its stack is under way."""
    objects = boto3.resource("s3").Bucket(order["bucket"]).objects
    objects.filter(Prefix=f"{order['name']}/").delete()
    try:
        return library.delete_cluster(cluster_name=order["name"])
    except (ParameterException, NotFoundException):
        return {}
    except APIOperationException as error:
        if "does not exist" in str(error.data):
            return {}
        raise


OPERATIONS = {"create": create, "describe": describe, "delete": delete}


def _answer(order):
    _act_as(order)
    try:
        return {"data": OPERATIONS[order["operation"]](order)}
    except (ParameterException, TypeError, ValueError) as error:
        return {"error": str(error)}
    except APIOperationException as error:
        return {"error": error.data}
    except Exception as error:
        try:
            return {"error": exception_message(error).to_dict()}
        except Exception:
            return {"error": f"{type(error).__name__}: {error}"}


def main():
    """Work through the orders until standard input ends."""
    answers = opened(sys.argv[1])
    for line in sys.stdin:
        answer = _answer(json.loads(line))
        answers.write(json.dumps(answer, cls=encoder.JSONEncoder) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
