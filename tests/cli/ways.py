"""Every state that a project can be in, and whether what commands suggest leads out of it."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from gotocloud.projects.states import _STATES  # every status that CloudFormation has
from local_aws.testing import MANAGEMENT, MEMBER, VIRGINIA
from tests.cli.launchable import LaunchableGroup, Said, commands

MOST_STEPS = 12
SETTLES = {
    "CREATE_IN_PROGRESS": "CREATE_COMPLETE",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
    "IMPORT_IN_PROGRESS": "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS": "IMPORT_ROLLBACK_COMPLETE",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_FAILED",
}
"""What CloudFormation ends in, by what it is doing."""

SETTLES_AFTER_S = 0.2
STATUSES = ("absent", *sorted(set(_STATES) - {"DELETE_COMPLETE"}))
CLUSTER_RESOURCES = ("Address", "Door", "Gateway", "Head", "Link", "Lustre", "Subnet")


@dataclass(frozen=True)
class Situation:
    """One state of a project.

    Args:
        project: Status of the project's stack, or "absent".
        cluster: Status of the cluster's stack, or "absent".
        bucket: "ours", "gone" or "others".
        link: Lustre's association: "there", "gone" or "failed".
        node: The head node: "answers" or "silent".
        proof: Whether a pause has proven this cluster.
        desktop: Whether its desktop is open.
        stuck: A resource of the cluster that AWS does not delete; empty if it deletes all.
    """

    project: str = "CREATE_COMPLETE"
    cluster: str = "CREATE_COMPLETE"
    bucket: str = "ours"
    link: str = "there"
    node: str = "answers"
    proof: bool = False
    desktop: bool = False
    stuck: str = ""

    @property
    def possible(self) -> bool:
        """Whether it can come about; what only a cluster has needs one."""
        alone = Situation(self.project, "absent", self.bucket)
        return self.cluster != "absent" or self == alone

    def __str__(self) -> str:
        usual = Situation()
        told = [
            f"{field.name} {getattr(self, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != getattr(usual, field.name)
        ]
        return ", ".join(told) or "a cluster that runs"


VERBS = ("setup", "start", "pause", "finish")


def situations() -> Iterator[Situation]:
    """All of them."""
    for values in itertools.product(
        STATUSES,
        STATUSES,
        ("ours", "gone", "others"),
        ("there", "gone", "failed"),
        ("answers", "silent"),
        (False, True),
        (False, True),
        ("", *CLUSTER_RESOURCES),
    ):
        one = Situation(*values)
        if one.possible:
            yield one


def neighbours() -> tuple[Situation, ...]:
    """Those that differ from a usual one in at most one thing: each status, each thing broken."""
    usual = (Situation(), Situation(cluster="DELETE_FAILED"), Situation(cluster="absent"))
    found = {
        changed
        for one in usual
        for field, values in _VALUES.items()
        for value in values
        if (changed := replace(one, **{field: value})).possible
    }
    return tuple(sorted(found, key=str))


_VALUES: dict[str, tuple[Any, ...]] = {
    "project": STATUSES,
    "cluster": STATUSES,
    "bucket": ("ours", "gone", "others"),
    "link": ("there", "gone", "failed"),
    "node": ("answers", "silent"),
    "proof": (False, True),
    "desktop": (False, True),
    "stuck": ("", *CLUSTER_RESOURCES),
}


def sampled(count: int, seed: int) -> list[Situation]:
    """Some of all of them."""
    draw = random.Random(seed)  # noqa: S311 (a choice of tests)
    found: list[Situation] = []
    while len(found) < count:
        drawn: dict[str, Any] = {name: draw.choice(values) for name, values in _VALUES.items()}
        one = Situation(**drawn)
        if one.possible:
            found.append(one)
    return found


class Ways:
    """Brings a project into a situation, and follows what the commands suggest.

    Args:
        group: Whose scientist types.
    """

    def __init__(self, group: LaunchableGroup) -> None:
        self.group = group
        self._threads: list[threading.Thread] = []

    def bring_about(self, project: str, one: Situation) -> None:
        """Make a project and break it."""
        group, names = self.group, self.group.names(project)
        self._must("setup", project)
        if one.cluster != "absent":
            self._must("start", project, "--config", "tutorial", "--yes")
            told = group.outputs(project)
            if one.desktop:
                self._must("connect", project, "--from", "203.0.113.7", "--no-browser")
            if one.proof:
                self._prove(project)
            if one.link != "there":
                self._break_link(told["LustreFileSystemId"], one.link)
            if one.node == "silent":
                group.ec2.terminate_instances(InstanceIds=[told["HeadNodeInstanceId"]])
            if one.stuck:
                group.control.fault(
                    "resource-fails",
                    stack=names.cluster_stack,
                    logical_id=one.stuck,
                    phase="delete",
                )
            self._put(names.cluster_stack, one.cluster)
        if one.project == "absent":
            group.stacks.delete(names.project_stack)
        else:
            self._put(names.project_stack, one.project)
        if one.bucket != "ours":
            self._lose_bucket(names.bucket, one.bucket)

    def _must(self, *arguments: str) -> Said:
        said = self.group.type(*arguments)
        assert said.error is None, said.text
        return said

    def _prove(self, project: str) -> None:
        from gotocloud.aws.cloud import StandardCloud
        from gotocloud.aws.listener import Listener
        from gotocloud.aws.pausing import PauseOptions, _proven, cluster_state

        cloud = StandardCloud()
        now = cluster_state(cloud, self.group.names(project))
        quick = Listener(sleep=lambda _: time.sleep(0.02))
        _proven(cloud, now, PauseOptions(), quick)

    def _break_link(self, file_system: str, how: str) -> None:
        group = self.group
        found = group.fsx.describe_data_repository_associations(
            Filters=[{"Name": "file-system-id", "Values": [file_system]}]
        )["Associations"]
        group.fsx.delete_data_repository_association(
            AssociationId=found[0]["AssociationId"], DeleteDataInFileSystem=False
        )
        if how == "failed":
            group.fsx.create_data_repository_association(
                FileSystemId=file_system,
                FileSystemPath="/elsewhere",
                DataRepositoryPath=found[0]["DataRepositoryPath"],
            )

    def _put(self, stack: str, status: str) -> None:
        self.group.control.set_status(MEMBER, VIRGINIA, stack, status)
        if status in SETTLES:
            self._later(lambda: self._settle(stack, status))

    def _settle(self, stack: str, status: str) -> None:
        if self.group.status(stack) == status:
            self.group.control.set_status(MEMBER, VIRGINIA, stack, SETTLES[status])

    def _later(self, work: Callable[[], None]) -> None:
        timer = threading.Timer(SETTLES_AFTER_S, work)
        timer.daemon = True
        timer.start()

    def _lose_bucket(self, bucket: str, how: str) -> None:
        s3 = self.group.s3
        listed = s3.list_object_versions(Bucket=bucket)
        for one in [*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())]:
            s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
        s3.delete_bucket(Bucket=bucket)
        if how == "others":
            theirs = self.group.local.client("s3", MANAGEMENT, VIRGINIA)
            theirs.create_bucket(Bucket=bucket)

    def way_out(self, project: str, verb: str, one: Situation) -> list[str]:
        """Follow what is suggested until the verb's end is reached.

        Returns:
            What is wrong with the way; empty when it leads to a good end.
        """
        line = f"gotocloud {verb} {project}"
        if verb == "start":
            line += " --config tutorial"
        seen: set[object] = set()
        told: list[str] = []
        for _ in range(MOST_STEPS):
            here = (line, self.group.survey(project), len(self.group.control.faults()))
            if here in seen:
                return [*told, f"a circle: {line}"]
            seen.add(here)
            said = self._run(line, told)
            if said.error is None:
                return self._claims(project, verb, told)
            if "management group" in said.text:
                # They remove the cause.
                self.group.control.clear()
            if not said.following:
                # Its bucket is a stranger's: only another name helps.
                return [] if one.bucket == "others" else [*told, f"a dead end: {said.text}"]
            line = said.following
        return [*told, "no end"]

    def _run(self, line: str, told: list[str]) -> Said:
        """Type the commands of a line until one fails, as a shell does."""
        said = Said(None, "", "")
        typed = list(commands(line))
        for number, words in enumerate(typed):
            assert words[0] == "gotocloud", line
            said = self.group.type(*words[1:])
            told.append(f"{' '.join(words)} -> {said.error.text() if said.error else 'done'}")
            if said.error is not None:
                rest = [" ".join(_quoted(one)) for one in typed[number + 1 :]]
                following = [said.following, *rest] if said.following else []
                return Said(said.error, said.text, " && ".join(following))
        return said

    def _claims(self, project: str, verb: str, told: list[str]) -> list[str]:
        """Whether what a command that ended well stands for is so."""
        group, names = self.group, self.group.names(project)
        cluster = group.status(names.cluster_stack)
        ready = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
        ready |= {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
        wrong = []
        if verb in {"setup", "start"} and group.status(names.project_stack) not in ready:
            wrong.append("the project does not stand")
        if verb == "setup" and not group.bucket_is_there(project):
            wrong.append("there is no bucket")
        if verb == "start" and cluster not in ready:
            wrong.append(f"the cluster is {cluster}")
        if verb in {"pause", "finish"} and (cluster != "absent" or group.billed(project)):
            wrong.append(f"the cluster is {cluster}; billed: {group.billed(project)}")
        if verb == "finish" and group.status(names.project_stack) != "absent":
            wrong.append("the project's stack is there")
        return [*told, *wrong] if wrong else []

    def clear(self, project: str) -> None:
        """Take away what a way has left, so that the next begins with nothing."""
        names = self.group.names(project)
        self.group.control.clear()
        for stack in (names.cluster_stack, names.project_stack):
            if (there := self.group.status(stack)) == "absent":
                continue
            if there.endswith("_IN_PROGRESS"):
                self.group.control.set_status(MEMBER, VIRGINIA, stack, "DELETE_FAILED")
            self.group.stacks.delete(stack)


def _quoted(words: list[str]) -> list[str]:
    import shlex

    return [shlex.quote(word) for word in words]
