"""`gotocloud setup`, against AWS in this process."""

from __future__ import annotations

import json
import shlex
from typing import Any

import boto3
import pytest

from gotocloud.cli.commands import status
from gotocloud.cli.commands.setup import app
from gotocloud.errors import GoToCloudError, InputError
from tests.cli import group_account
from tests.cli.conftest import Dying, killed_everywhere
from tests.cli.group_account import ACCOUNT, BUCKET, REGION, build, invoke, survey

STACK = f"gotocloud-project-ann-{ACCOUNT}-p"
MOST_CALLS = 20


def stack() -> dict[str, Any]:
    cfn: Any = boto3.client("cloudformation", REGION)
    found: dict[str, Any] = cfn.describe_stacks(StackName=STACK)["Stacks"][0]
    return found


def kept_bucket(tags: dict[str, str], off: str = "") -> None:
    """A bucket as finishing with --keep-data leaves it, but for what is off."""
    s3: Any = boto3.client("s3", REGION)
    place = {"Bucket": f"gotocloud-data-ann-{ACCOUNT}-p"}
    s3.create_bucket(**place)
    s3.put_object(**place, Key="movie", Body=b"1")
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        s3.put_bucket_tagging(**place, Tagging={"TagSet": listed})
    if off != "versions":
        s3.put_bucket_versioning(**place, VersioningConfiguration={"Status": "Enabled"})
    if off != "block":
        names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy")
        block = dict.fromkeys((*names, "RestrictPublicBuckets"), True)
        s3.put_public_access_block(**place, PublicAccessBlockConfiguration=block)


def own_stacks() -> list[Any]:
    stacks = boto3.client("cloudformation", REGION).describe_stacks()["Stacks"]
    return [one for one in stacks if one["StackName"].startswith("gotocloud-project-")]


@pytest.mark.usefixtures("aws")
class TestSetup:
    def test_a_project_gets_its_stack_with_all_tags(self) -> None:
        build()
        invoke(app, "p")
        made = stack()
        assert made["RoleARN"] == group_account.ROLE
        assert {it["Key"]: it["Value"] for it in made["Tags"]} == {
            "gtc:iam-user": "ann",
            "gtc:method": "cryoem",
            "gtc:project": "p",
            "gtc:account": ACCOUNT,
            "cost-centre": "42",
        }
        assert {it["ParameterKey"]: it["ParameterValue"] for it in made["Parameters"]} == {
            "Project": "p",
            "Scientist": "ann",
            "BucketName": f"gotocloud-data-ann-{ACCOUNT}-p",
            "KeyPairName": f"ann-{ACCOUNT}-p",
            "BucketOrigin": "new",
            "ArchiveAfterDays": "0",
        }

    def test_the_age_at_which_objects_are_archived_reaches_the_stack(self) -> None:
        build()
        invoke(app, "p", "--archive-after", "180")
        [age] = [it for it in stack()["Parameters"] if it["ParameterKey"] == "ArchiveAfterDays"]
        assert age["ParameterValue"] == "180"

    def test_an_age_that_s3_or_a_kept_bucket_does_not_take_is_refused(self) -> None:
        with pytest.raises(InputError, match="not valid") as caught:
            invoke(app, "p", "--archive-after", "7", "--adopt")
        assert ["7: allowed are 30" in one for one in caught.value.problems] == [True, False]
        assert "--adopt keeps its rules" in caught.value.problems[1]

    @pytest.mark.parametrize("project", ["アポフェリチン 2026", "Anna's $(x) & y=3D", "🧊"])
    def test_any_name_becomes_tags_and_comes_back(
        self, project: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        build()
        invoke(app, project)
        (made,) = own_stacks()
        assert all(it["ParameterValue"].isascii() for it in made["Parameters"])
        assert all(it["Value"].isascii() for it in made["Tags"])
        capsys.readouterr()
        invoke(status.app, "--json")
        (row,) = json.loads(capsys.readouterr().out)["projects"]
        assert (row["project"], row["mine"], row["state"]) == (project, True, "ready")
        assert shlex.split(row["next_command"]) == ["gotocloud", "start", project]

    def test_the_newest_release_is_taken(self, capsys: pytest.CaptureFixture[str]) -> None:
        build()
        invoke(app, "p", "--dry-run", "--json")
        plan = json.loads(capsys.readouterr().out)["plan"]
        assert plan["release"] == "0.10.0"
        assert plan["template_url"].endswith("/releases/0.10.0/project.template.json")

    def test_a_release_without_manifest_is_not_published(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        build()
        boto3.client("s3", REGION).delete_object(Bucket=BUCKET, Key="releases/0.10.0/manifest.json")
        invoke(app, "p", "--dry-run", "--json")
        assert json.loads(capsys.readouterr().out)["plan"]["release"] == "0.9.0"

    def test_a_changed_template_is_not_launched(self) -> None:
        build()
        boto3.client("s3", REGION).put_object(
            Bucket=BUCKET, Key="releases/0.10.0/project.template.json", Body=b"{}"
        )
        with pytest.raises(GoToCloudError, match="not what was published"):
            invoke(app, "p")
        assert STACK not in str(survey())

    def test_a_dry_run_creates_nothing(self) -> None:
        build()
        before = survey()
        invoke(app, "p", "--dry-run")
        assert survey() == before

    def test_a_second_time_there_is_nothing_to_do(self, capsys: pytest.CaptureFixture[str]) -> None:
        build()
        invoke(app, "p")
        before = survey()
        capsys.readouterr()
        invoke(app, "p", "--json")
        told = json.loads(capsys.readouterr().out)
        assert (told["made"], told["plan"]) == (False, None)
        assert survey() == before

    def test_the_next_command_is_reported(self, capsys: pytest.CaptureFixture[str]) -> None:
        build()
        invoke(app, "my protein")
        assert "gotocloud start 'my protein'" in capsys.readouterr().err

    def test_a_bucket_without_its_project_is_not_taken_over(self) -> None:
        build()
        boto3.client("s3", REGION).create_bucket(Bucket=f"gotocloud-data-ann-{ACCOUNT}-p")
        with pytest.raises(GoToCloudError, match="nothing was created") as caught:
            invoke(app, "p")
        assert "exists without its project" in caught.value.problems[0]
        assert "take it over with everything in it (--adopt)" in caught.value.problems[0]

    def test_a_bucket_that_was_kept_is_taken_over_with_its_data(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        build()
        kept_bucket({"gtc:iam-user": "ann", "gtc:project": "p"})
        before = survey()["buckets"]
        invoke(app, "p", "--adopt")
        assert stack()["StackStatus"] == "CREATE_COMPLETE"
        assert survey()["buckets"] == before
        invoke(app, "p", "--adopt")
        assert "nothing to do" in capsys.readouterr().err
        boto3.client("cloudformation", REGION).delete_stack(StackName=STACK)
        assert survey()["buckets"] == before

    @pytest.mark.parametrize(
        ("tags", "off", "said"),
        [
            ({"gtc:iam-user": "ben", "gtc:project": "p"}, "", "gtc:iam-user is 'ben'"),
            ({}, "", "gtc:project is None"),
            ({"gtc:iam-user": "ann", "gtc:project": "p"}, "versions", "keeps no versions"),
            ({"gtc:iam-user": "ann", "gtc:project": "p"}, "block", "not closed to the public"),
        ],
    )
    def test_a_bucket_that_is_not_the_projects_own_is_left_alone(
        self, tags: dict[str, str], off: str, said: str
    ) -> None:
        build()
        kept_bucket(tags, off)
        with pytest.raises(GoToCloudError, match="nothing was created") as caught:
            invoke(app, "p", "--adopt")
        assert said in caught.value.problems[0]

    def test_without_a_bucket_there_is_nothing_to_adopt(self) -> None:
        build()
        with pytest.raises(GoToCloudError) as caught:
            invoke(app, "p", "--adopt")
        assert "Remedy: set the project up without --adopt" in caught.value.problems[0]
        assert "an earlier release" in caught.value.problems[0]

    def test_names_that_are_no_tags_are_refused_before_anything(self) -> None:
        build()
        with pytest.raises(InputError, match="names cannot be used"):
            invoke(app, "a\nb")

    def test_an_account_without_group_is_shown_where_to_turn(self) -> None:
        with pytest.raises(GoToCloudError, match="no GoToCloud group in us-east-1") as caught:
            invoke(app, "p")
        assert "management group" in caught.value.remedy

    def test_a_wrong_region_names_the_right_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        build()
        monkeypatch.setenv("AWS_REGION", "ap-northeast-1")
        with pytest.raises(GoToCloudError, match="not work in ap-northeast-1, but in us-east-1"):
            invoke(app, "p")

    def test_without_a_terminal_no_name_is_requested(self) -> None:
        build()
        with pytest.raises(InputError, match="Which project"):
            invoke(app)


@pytest.mark.usefixtures("aws")
def test_killed_before_and_after_every_call_it_ends_the_same_when_run_again(
    dying: Dying,
) -> None:
    build()

    def clear() -> None:
        dying(None)
        boto3.client("cloudformation", REGION).delete_stack(StackName=STACK)
        assert survey() == empty

    def run() -> None:
        invoke(app, "p")

    empty = survey()
    run()
    undisturbed = survey()
    points = killed_everywhere(dying, clear, run, lambda: survey() == undisturbed)
    assert points > MOST_CALLS
