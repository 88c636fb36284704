"""Every check finds what it is for: one bad template for each."""

from __future__ import annotations

from typing import Any

import pytest

from gotocloud.contract.group_facts import Fact
from gotocloud.contract.names import BOUNDARY
from tests.security.checks import (
    Template,
    broad_writes,
    meters,
    open_clusters,
    open_trusts,
    secret_literals,
    unbounded_roles,
    world_ingress,
)
from tests.security.checks.nag import Acknowledged, acknowledged, empty_reasons, unacknowledged


def template(kind: str, **properties: Any) -> Template:
    return {"Resources": {"It": {"Type": kind, "Properties": properties}}}


def policy(*, sid: str = "Do", effect: str = "Allow", **statement: Any) -> Template:
    document = {"Statement": [{"Sid": sid, "Effect": effect, **statement}]}
    return template("AWS::IAM::ManagedPolicy", PolicyDocument=document)


@pytest.mark.parametrize(
    "bad",
    [
        template("AWS::EC2::SecurityGroup", SecurityGroupIngress=[{"CidrIp": "0.0.0.0/0"}]),
        template("AWS::EC2::SecurityGroup", SecurityGroupIngress=[{"CidrIpv6": "::/0"}]),
        template("AWS::EC2::SecurityGroupIngress", CidrIp="0.0.0.0/0", FromPort=22),
        template("AWS::EC2::SecurityGroupIngress", CidrIp="1.2.3.4/0"),
        # Half the world, twice; what a parameter or a list of prefixes holds; all of IPv6.
        template("AWS::EC2::SecurityGroupIngress", CidrIp="0.0.0.0/1"),
        template("AWS::EC2::SecurityGroupIngress", CidrIp="128.0.0.0/1"),
        template("AWS::EC2::SecurityGroupIngress", CidrIp="203.0.113.0/16"),
        template("AWS::EC2::SecurityGroupIngress", CidrIp={"Ref": "Network"}),
        template("AWS::EC2::SecurityGroupIngress", CidrIp={"Fn::ImportValue": "Network"}),
        template("AWS::EC2::SecurityGroupIngress", SourcePrefixListId="pl-1"),
        template("AWS::EC2::SecurityGroupIngress", CidrIpv6="2000::/3"),
    ],
)
def test_a_port_open_to_the_world_is_found(bad: Template) -> None:
    assert len(world_ingress(bad)) == 1


def test_ports_open_to_a_network_are_no_finding() -> None:
    rules = [{"CidrIp": "198.51.100.0/24"}, {"SourceSecurityGroupId": "sg-1"}]
    assert not world_ingress(template("AWS::EC2::SecurityGroup", SecurityGroupIngress=rules))


def cluster(**configuration: Any) -> Template:
    return template("Custom::PclusterCluster", ClusterConfiguration=configuration)


def test_a_cluster_left_to_parallelclusters_defaults_is_found_open() -> None:
    assert len(open_clusters(cluster(HeadNode={"Dcv": {"Enabled": True}}))) == 3


def test_a_cluster_open_to_the_world_is_found() -> None:
    doors = {"Ssh": {"AllowedIps": "0.0.0.0/0"}, "Dcv": {"AllowedIps": "10.0.0.0/16"}}
    findings = open_clusters(cluster(HeadNode=doors, Imds={"ImdsSupport": "v2.0"}))
    assert findings == ["It: HeadNode/Ssh/AllowedIps is open to the world"]


@pytest.mark.parametrize(
    "bad",
    [
        template("AWS::IAM::Role", AssumeRolePolicyDocument={}),
        template("AWS::IAM::Role", PermissionsBoundary="arn:aws:iam::aws:policy/PowerUser"),
        template("AWS::IAM::Role", PermissionsBoundary={"Ref": "Nothing"}),
        cluster(HeadNode={}),
        cluster(Iam={"PermissionsBoundary": {"Ref": "BoundaryArn"}}),
        template(
            "AWS::CloudFormation::Stack",
            TemplateURL="https://x/templates/custom_resource/cluster.yaml",
            Parameters={"CustomLambdaRole": ""},
        ),
    ],
)
def test_a_role_without_the_boundary_is_found(bad: Template) -> None:
    assert len(unbounded_roles(bad)) == 1


def test_a_boundary_parameter_that_could_be_pointed_elsewhere_is_found() -> None:
    bad = cluster(Iam={"PermissionsBoundary": {"Ref": "BoundaryArn"}})
    bad["Parameters"] = {"BoundaryArn": {"Default": Fact.BOUNDARY_ARN.value}}
    assert len(unbounded_roles(bad)) == 1


def test_roles_with_the_boundary_are_no_finding() -> None:
    bounded = {"Fn::Sub": f"arn:aws:iam::${{AWS::AccountId}}:policy/{BOUNDARY}"}
    assert not unbounded_roles(template("AWS::IAM::Role", PermissionsBoundary=bounded))
    good = cluster(Iam={"PermissionsBoundary": {"Ref": "BoundaryArn"}})
    good["Parameters"] = {"BoundaryArn": {"AllowedValues": [Fact.BOUNDARY_ARN.value]}}
    assert not unbounded_roles(good)


def trust(**statement: Any) -> Template:
    document = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", **statement}]}
    return template("AWS::IAM::Role", AssumeRolePolicyDocument=document)


OWN_ACCOUNT = {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}}


@pytest.mark.parametrize(
    "bad",
    [
        trust(Principal="*"),
        trust(Principal={"AWS": "*"}, Condition={"Bool": {"aws:SecureTransport": "true"}}),
        trust(Principal={"AWS": "arn:aws:iam::222222222222:role/*"}),
        trust(Principal=OWN_ACCOUNT),
        trust(Principal={"Federated": "arn:aws:iam::1:oidc-provider/token.actions"}),
        trust(Principal={"Service": "example.org"}),
        trust(NotPrincipal={"AWS": "222222222222"}),
    ],
)
def test_a_role_that_trusts_too_many_is_found(bad: Template) -> None:
    assert len(open_trusts(bad)) == 1


@pytest.mark.parametrize(
    "good",
    [
        trust(Principal={"Service": "ec2.amazonaws.com"}),
        trust(Principal=OWN_ACCOUNT, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        trust(Principal={"AWS": ["222222222222", "333333333333"]}),
        trust(Principal="*", Effect="Deny"),
    ],
)
def test_a_role_that_trusts_whom_it_names_is_no_finding(good: Template) -> None:
    assert not open_trusts(good)


@pytest.mark.parametrize(
    "bad",
    [
        policy(Action="iam:CreateRole", Resource="*"),
        policy(Action=["ec2:DescribeInstances", "ec2:TerminateInstances"], Resource=["*"]),
        policy(Action="ssm:StartSession", Resource="arn:aws:ssm:*:*:*"),
        policy(Action="sqs:Sen?Message", Resource="*"),
        policy(Action="s3:PutObj*t", Resource={"Fn::Sub": "*"}),
        policy(Action="iam:CreateRole", NotResource="arn:aws:iam::1:role/x"),
        policy(Action="iam:CreateRol", Resource="*"),
        # Named as if they read, and every role, secret or key there is.
        policy(Action="secretsmanager:GetSecretValue", Resource="*"),
        policy(Action="ssm:GetParameter", Resource="*"),
        policy(Action="dynamodb:Query", Resource="*"),
        policy(Action="ec2:GetPasswordData", Resource="*"),
        policy(Action="s3:GetObject", Resource="arn:aws:s3:::*"),
        policy(Action="iam:PassRole", Resource="arn:aws:iam::1:role/*"),
        policy(Action="iam:CreateRole", Resource={"Fn::Sub": "arn:aws:iam::${A}:*"}),
        policy(Action="kms:Decrypt", Resource="arn:aws:kms:*:1:key/*"),
        policy(
            Action="secretsmanager:GetSecretValue",
            Resource="arn:aws:secretsmanager:*:1:secret:*",
        ),
        template(
            "AWS::IAM::Role",
            Policies=[
                {
                    "PolicyDocument": {
                        "Statement": {
                            "Effect": "Allow",
                            "Action": "iam:CreateRole",
                            "Resource": "*",
                        }
                    }
                }
            ],
        ),
    ],
)
def test_a_write_on_everything_is_found(bad: Template) -> None:
    assert len(broad_writes(bad)) == 1


def test_all_writes_behind_a_wildcard_or_an_exception_are_found() -> None:
    assert len(broad_writes(policy(Action="ec2:*", Resource="*"))) > 300
    assert len(broad_writes(policy(NotAction="ec2:*", Resource="*"))) > 3000


@pytest.mark.parametrize(
    "good",
    [
        policy(Action="ec2:DescribeInstances", Resource="*"),
        policy(Action="iam:CreateRole", Resource="arn:aws:iam::1:role/gotocloud-*"),
        policy(Action="iam:CreateRole", Resource="*", effect="Deny"),
        # AWS cannot limit it to a resource.
        policy(Action="ssmmessages:OpenDataChannel", Resource="*"),
    ],
)
def test_reads_limits_denials_and_what_cannot_be_limited_are_no_finding(good: Template) -> None:
    assert not broad_writes(good)


def test_only_the_boundary_itself_may_name_everything() -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}
    kind = "AWS::IAM::ManagedPolicy"
    named = template(kind, PolicyDocument=document, ManagedPolicyName=BOUNDARY)
    assert not broad_writes(named)
    assert broad_writes(template(kind, PolicyDocument=document, ManagedPolicyName="other"))


@pytest.mark.parametrize(
    "bad",
    [
        template("AWS::IAM::User", LoginProfile={"Password": "GoToCloud2024!"}),
        template("AWS::RDS::DBInstance", MasterUserPassword="hunter2"),
        template("AWS::SecretsManager::Secret", SecretString="hunter2"),
        template("AWS::EC2::LaunchTemplate", UserData="export KEY=AKIAIOSFODNN7EXAMPLE"),
        template("AWS::S3::Bucket", Note="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        template("AWS::S3::Bucket", Note="-----BEGIN OPENSSH PRIVATE KEY-----"),
        template("AWS::S3::Bucket", Note="mysql://slurm:secret@db"),
        {"Parameters": {"InitialPassword": {"Type": "String", "NoEcho": True}}},
        {"Outputs": {"InitialPassword": {"Value": "hunter2"}}},
        {"Outputs": {"Door": {"Value": "{{resolve:secretsmanager:arn:SecretString:::}}"}}},
    ],
)
def test_a_secret_in_a_template_is_found(bad: Template) -> None:
    assert len(secret_literals(bad)) == 1


@pytest.mark.parametrize(
    "good",
    [
        template(
            "AWS::IAM::User",
            LoginProfile={"Password": "{{resolve:secretsmanager:arn:SecretString:password}}"},
        ),
        template("AWS::IAM::User", LoginProfile={"PasswordResetRequired": True}),
        template("AWS::SecretsManager::Secret", GenerateSecretString={"PasswordLength": 24}),
        template("AWS::S3::Bucket", Hash="2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"),
    ],
)
def test_generated_secrets_are_no_finding(good: Template) -> None:
    assert not secret_literals(good)


@pytest.mark.parametrize(
    "bad",
    [
        template("AWS::EC2::NatGateway"),
        template("AWS::EC2::EIP"),
        template("AWS::FSx::FileSystem"),
        template("Custom::PclusterCluster"),
        template("AWS::EC2::VPCEndpoint", VpcEndpointType="Interface"),
        template("AWS::AutoScaling::AutoScalingGroup", MinSize="1"),
        template("AWS::DynamoDB::Table"),
        template("AWS::EFS::FileSystem", ThroughputMode="provisioned"),
        template("AWS::Kinesis::Stream", ShardCount=1),
        template("AWS::RDS::DBCluster"),
    ],
)
def test_a_meter_is_found(bad: Template) -> None:
    assert len(meters(bad)) == 1


@pytest.mark.parametrize(
    "good",
    [
        template("AWS::EC2::VPCEndpoint", VpcEndpointType="Gateway"),
        template("AWS::EC2::LaunchTemplate"),
        template("AWS::EFS::FileSystem", ThroughputMode="elastic"),
        template("AWS::RDS::DBCluster", ServerlessV2ScalingConfiguration={"MinCapacity": 0}),
        template("AWS::AutoScaling::AutoScalingGroup", MinSize="0"),
        template("AWS::DynamoDB::Table", BillingMode="PAY_PER_REQUEST"),
    ],
)
def test_what_is_billed_by_use_or_by_data_is_no_meter(good: Template) -> None:
    assert not meters(good)


VIOLATION = {
    "ruleName": "AwsSolutions-S1",
    "description": "The S3 Bucket has server access logs disabled.",
    "violatingConstructs": [
        {
            "constructPath": "Stack/Bucket/Resource",
            "constructFqn": "aws-cdk-lib.aws_s3.CfnBucket",
        }
    ],
}


def test_an_unacknowledged_finding_and_a_pack_that_did_not_run_are_found() -> None:
    plugin = {"pluginName": "AwsSolutions", "violations": [VIOLATION]}
    assert unacknowledged({"pluginReports": [plugin]}) == [
        "NIST.800.53.R5: did not run",
        "HIPAA.Security: did not run",
        "PCI.DSS.321: did not run",
        "Stack/Bucket/Resource: AwsSolutions-S1 The S3 Bucket has server access logs disabled.",
    ]


def test_acknowledgements_are_read_with_their_construct_and_reason() -> None:
    answer = {
        **VIOLATION,
        "acknowledgedId": "AwsSolutions::AwsSolutions-S1",
        "reason": "because",
    }
    plugin = {"pluginName": "AwsSolutions", "violations": [], "suppressedViolations": [answer]}
    assert list(acknowledged({"pluginReports": [plugin]})) == [
        Acknowledged("AwsSolutions-S1", "Bucket", "aws_s3.CfnBucket", "because")
    ]


@pytest.mark.parametrize(
    "reason",
    [
        "Too short.",
        "This rule is not relevant to us, TODO: think about it again later on.",
        "This is by design, as was decided in the meeting about all such findings.",
        "Suppressed because the rule cannot be satisfied in this kind of environment.",
    ],
)
def test_a_reason_that_states_nothing_is_found(reason: str) -> None:
    assert len(empty_reasons([Acknowledged("AwsSolutions-S1", "It", "a.B", reason)])) == 1


REASON = "Every object of this bucket is a copy of an object that lies elsewhere, too."


@pytest.mark.parametrize(
    "users",
    [
        (("Bucket", "aws_s3.CfnBucket"), ("Logs", "aws_logs.CfnLogGroup")),
        (("One", "aws_iam.CfnManagedPolicy"), ("Two", "aws_iam.CfnManagedPolicy")),
    ],
)
def test_one_reason_for_different_findings_is_found(users: tuple[tuple[str, str], ...]) -> None:
    answers = [Acknowledged("AwsSolutions-S1", name, kind, REASON) for name, kind in users]
    assert len(empty_reasons(answers)) == 1


@pytest.mark.parametrize(
    "users",
    [
        (("One", "aws_s3.CfnBucket"), ("Two", "aws_s3.CfnBucket")),
        (("One", "aws_iam.CfnRole"), ("One", "aws_iam.CfnRole")),
        (("Chunk1/Policy", "aws_iam.CfnPolicy"), ("Chunk12/Policy", "aws_iam.CfnPolicy")),
    ],
)
def test_one_reason_for_findings_of_a_kind_is_no_finding(
    users: tuple[tuple[str, str], ...],
) -> None:
    answers = [Acknowledged("AwsSolutions-S1", name, kind, REASON) for name, kind in users]
    assert not empty_reasons(answers)
