"""Runs ParallelCluster's own schema and validators; stand-alone.

Executed by the Python of ParallelCluster's virtual environment, which can never
share one with the CDK, so it imports nothing of this package. One process judges
many configurations, because importing ParallelCluster takes longer than judging.

Argument: the version of ParallelCluster that is meant; another one is refused.
Standard input: a JSON list of {"name", "region", "configuration"}.
Standard output: for each of them, in order, one line of JSON: a list of
{"level", "validator", "text"}; an empty list means that nothing was found.
"""

# Its imports exist only in the other environment, where mypy does not run.
# mypy: ignore-errors

import json
import os
import sys
from pathlib import Path

import boto3
from pcluster.aws.aws_api import AWSApi
from pcluster.aws.common import Cache
from pcluster.models.cluster import Cluster, ConfigValidationError
from pcluster.validators.common import FailureLevel

# Behind everything else: the modules of this folder hide none.
sys.path.append(str(Path(__file__).parent))
from pcluster_library import opened

_new_session = boto3.session.Session
_sessions = {}


def _session():
    """One session a region: ParallelCluster makes hundreds, only to read the region's name.

    Without this they are half of the time that judging takes.
    """
    region = os.environ["AWS_DEFAULT_REGION"]
    if region not in _sessions:
        _sessions[region] = _new_session()
    return _sessions[region]


def judge(name, region, configuration):
    """Judge one configuration as `pcluster create-cluster --dryrun true` does."""
    if os.environ.get("AWS_DEFAULT_REGION") != region:
        os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"] = region
        # Answers are remembered without the region that gave them.
        AWSApi.reset()
        Cache.clear_all()
    # JSON is YAML, which is what a cluster's configuration text has to be.
    cluster = Cluster(name, json.dumps(configuration))
    try:
        found = cluster.validate_create_request(set(), FailureLevel.ERROR)
    except ConfigValidationError as error:
        found = error.validation_failures
        if not found:
            return [{"level": "ERROR", "validator": "ParallelCluster", "text": str(error)}]
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        return [{"level": "ERROR", "validator": "ParallelCluster", "text": text}]
    return [
        {"level": str(one.level), "validator": one.validator_type, "text": one.message}
        for one in found or []
    ]


def main():
    """Judge what stands on standard input."""
    answers = opened(sys.argv[1])
    boto3.session.Session = _session
    for request in json.load(sys.stdin):
        answer = judge(request["name"], request["region"], request["configuration"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
