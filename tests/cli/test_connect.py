"""`gotocloud connect` and `gotocloud ssh`, against a head node that runs commands."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.client
import pytest

from gotocloud.aws import desktop_access, node_sessions
from gotocloud.cli import main
from gotocloud.contract.ports import DESKTOP_PORT
from gotocloud.errors import GoToCloudError, InputError
from gotocloud.projects.desktop_access import description
from gotocloud.rehearsal.local_aws import LocalAws
from tests.cli.local_project import LocalProject, write_facts

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("local_scientist")]
PLUGIN = """#!{python}
import json, os, signal, socket, sys
if sys.argv[1:] == ["--version"]:
    sys.exit(print("1.2.707.0"))
name, region, verb, profile, asked, endpoint = sys.argv[1:]
answer = os.environ[name]
# Every user of the machine can read the arguments of a process.
assert not any(json.loads(answer)["TokenValue"] in word for word in sys.argv)
open({log!r}, "w").write(json.dumps([json.loads(answer), region, verb, json.loads(asked)]))
port = json.loads(asked).get("Parameters", {{}}).get("localPortNumber")
if port:
    door = socket.create_server(("localhost", int(port[0])))
    door.accept()
"""


@pytest.fixture(scope="module")
def shared(local: LocalAws) -> LocalProject:
    return LocalProject(local, "desk").start()


@pytest.fixture
def project(local: LocalAws, shared: LocalProject) -> Iterator[LocalProject]:
    write_facts(local)
    yield shared
    for rule in rules(shared):
        ec2(shared).revoke_security_group_ingress(
            GroupId=shared.outputs["DesktopSecurityGroupId"],
            SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]],
        )


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    import sys

    log = tmp_path / "log.json"
    program = tmp_path / "session-manager-plugin"
    program.write_text(PLUGIN.format(python=sys.executable, log=str(log)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return log


def ec2(project: LocalProject) -> Any:
    return project.stacks.client("ec2")


def rules(project: LocalProject) -> list[Any]:
    group = project.outputs["DesktopSecurityGroupId"]
    found = ec2(project).describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )["SecurityGroupRules"]
    return [rule for rule in found if not rule["IsEgress"]]


def let_in(project: LocalProject, network: str, text: str) -> None:
    ec2(project).authorize_security_group_ingress(
        GroupId=project.outputs["DesktopSecurityGroupId"],
        IpPermissions=[
            {
                "IpProtocol": "tcp",
                "FromPort": DESKTOP_PORT,
                "ToPort": DESKTOP_PORT,
                "IpRanges": [{"CidrIp": network, "Description": text}],
            }
        ],
    )


def run(*arguments: str) -> None:
    main.app(list(arguments), standalone_mode=False, prog_name="gotocloud")


def test_the_desktop_opens_to_one_address_and_prints_a_one_time_url(
    project: LocalProject, capsys: pytest.CaptureFixture[str]
) -> None:
    run("connect", "desk", "--from", "8.8.8.8", "--hours", "2")
    url = capsys.readouterr().out.strip()
    assert url == "https://203.0.113.9:8443?authToken=token-of-ubuntu#abc"
    [rule] = rules(project)
    assert (rule["CidrIpv4"], rule["FromPort"], rule["ToPort"]) == (
        "8.8.8.8/32",
        DESKTOP_PORT,
        DESKTOP_PORT,
    )
    assert rule["Description"].startswith("gotocloud desktop of ann until 20")


def test_connecting_again_opens_no_second_rule(project: LocalProject) -> None:
    for hours in ("2", "1", "3"):
        run("connect", "desk", "--from", "8.8.8.8", "--hours", hours)
    [rule] = rules(project)
    in_two_and_a_half = datetime.now(UTC) + timedelta(hours=2.5)
    assert rule["Description"] > description("ann", in_two_and_a_half)


def test_openings_past_their_time_and_those_to_the_world_are_closed(project: LocalProject) -> None:
    past, later = (datetime.now(UTC) + timedelta(hours=hours) for hours in (-1, 1))
    let_in(project, "9.9.9.9/32", description("ben", past))
    let_in(project, "9.9.9.8/32", description("ben", later))
    let_in(project, "0.0.0.0/0", "by hand")
    run("connect", "desk", "--from", "8.8.8.8")
    assert {rule["CidrIpv4"] for rule in rules(project)} == {"9.9.9.8/32", "8.8.8.8/32"}


def test_a_dry_run_opens_and_closes_nothing(project: LocalProject) -> None:
    let_in(project, "9.9.9.9/32", description("ben", datetime(2020, 1, 1, tzinfo=UTC)))
    run("connect", "desk", "--from", "8.8.8.8", "--dry-run")
    assert [rule["CidrIpv4"] for rule in rules(project)] == ["9.9.9.9/32"]


def test_the_world_is_never_let_in(project: LocalProject) -> None:
    with pytest.raises(InputError):
        run("connect", "desk", "--from", "0.0.0.0/0")
    assert rules(project) == []


def test_a_group_with_networks_of_its_own_keeps_others_out(
    local: LocalAws, project: LocalProject
) -> None:
    write_facts(local, DESKTOP_NETWORKS="130.87.0.0/16")
    with pytest.raises(InputError, match=r"130\.87\.0\.0/16"):
        run("connect", "desk", "--from", "8.8.8.8")
    run("connect", "desk", "--from", "130.87.1.2")
    assert [rule["CidrIpv4"] for rule in rules(project)] == ["130.87.1.2/32"]


def test_an_address_that_cannot_be_found_shows_what_to_type(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gotocloud.aws import desktop_access

    monkeypatch.setattr(desktop_access, "_fetch", lambda: "<html>sign in to the hotel</html>")
    with pytest.raises(GoToCloudError, match=r"could not be found: .* answered") as caught:
        run("connect", "desk")
    assert "--from" in caught.value.advice
    assert caught.value.next_command == "gotocloud connect desk --tunnel"
    assert rules(project) == []


@pytest.mark.parametrize("answer", ["exit 3", "echo no session for you", "exit 127"])
def test_a_desktop_that_gives_no_session_stays_closed(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(desktop_access, "_ATTEMPTS", 1)
    monkeypatch.setattr(desktop_access, "DCV", f"{answer}\n")
    with pytest.raises(GoToCloudError):
        run("connect", "desk", "--from", "8.8.8.8")
    assert rules(project) == []


def failing_after(monkeypatch: pytest.MonkeyPatch, operation: str, error: BaseException) -> None:
    """Have AWS carry an operation out, and the program not hear of it."""
    original = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(self: Any, name: str, arguments: Any) -> Any:
        answer = original(self, name, arguments)
        if name == operation:
            raise error
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)


def test_ctrl_c_while_a_desktop_is_opened_closes_it_again(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_in(project, "9.9.9.8/32", description("ben", datetime.now(UTC) + timedelta(hours=1)))
    failing_after(monkeypatch, "AuthorizeSecurityGroupIngress", KeyboardInterrupt())
    with pytest.raises(GoToCloudError, match=r"not opened to you.*is billed"):
        run("connect", "desk", "--from", "8.8.8.8")
    assert [rule["CidrIpv4"] for rule in rules(project)] == ["9.9.9.8/32"]


def test_a_url_that_cannot_be_printed_leaves_the_desktop_closed(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("gotocloud.cli.commands.connect.typer.echo", broken)
    with pytest.raises(BrokenPipeError):
        run("connect", "desk", "--from", "8.8.8.8")
    assert rules(project) == []


def test_a_desktop_that_was_open_before_stays_so_when_connecting_again_fails(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("connect", "desk", "--from", "8.8.8.8", "--hours", "2")
    monkeypatch.setattr(desktop_access, "DCV", "exit 127\n")
    with pytest.raises(GoToCloudError):
        run("connect", "desk", "--from", "8.8.8.8", "--hours", "1")
    assert [rule["CidrIpv4"] for rule in rules(project)] == ["8.8.8.8/32"]


def test_an_opening_that_cannot_be_taken_back_is_reported(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise GoToCloudError("Cannot close the desktop.")

    monkeypatch.setattr(desktop_access, "close", refused)
    failing_after(monkeypatch, "AuthorizeSecurityGroupIngress", KeyboardInterrupt())
    with pytest.raises(GoToCloudError, match="may be open to your address") as caught:
        run("connect", "desk", "--from", "8.8.8.8")
    assert "connect --close" in str(caught.value.next_command)


def test_closing_shuts_everybody_out(project: LocalProject) -> None:
    run("connect", "desk", "--from", "8.8.8.8")
    run("connect", "desk", "--close")
    assert rules(project) == []


def test_a_tunnel_opens_no_port_and_needs_the_plugin(
    project: LocalProject, plugin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("connect", "desk", "--tunnel", "--json")
    told = json.loads(capsys.readouterr().out)
    answer, region, verb, asked = json.loads(plugin.read_text())
    assert told["url"] == f"https://localhost:{told['port']}?authToken=token-of-ubuntu#abc"
    assert asked["Parameters"] == {
        "portNumber": [str(DESKTOP_PORT)],
        "localPortNumber": [str(told["port"])],
    }
    assert set(answer) == {"SessionId", "TokenValue", "StreamUrl"}
    assert (region, verb) == ("us-east-1", "StartSession")
    assert rules(project) == []


@pytest.mark.parametrize("command", [["connect", "desk", "--tunnel"], ["ssh", "desk"]])
def test_a_missing_plugin_is_named(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GoToCloudError, match="session-manager-plugin"):
        run(*command)


def test_a_plugin_that_takes_the_token_as_an_argument_is_refused(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "session-manager-plugin"
    old.write_text("#!/bin/sh\necho 1.2.497.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(GoToCloudError, match=r"1\.2\.497\.0 shows the session's token"):
        run("ssh", "desk")


def test_a_plugin_that_does_not_run_is_named_with_where_to_get_it(
    project: LocalProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "session-manager-plugin"
    broken.write_text("#!/nowhere/interpreter\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(GoToCloudError, match="does not answer") as caught:
        run("ssh", "desk")
    assert "Install" in caught.value.advice
    broken.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(node_sessions, "OPEN_TIMEOUT_S", 0.2)
    with pytest.raises(GoToCloudError, match="does not answer"):
        run("ssh", "desk")


def test_ssh_is_a_session_with_the_head_node(project: LocalProject, plugin: Path) -> None:
    run("ssh", "desk")
    assert json.loads(plugin.read_text())[3] == {"Target": project.instance}


def test_a_cluster_that_does_not_run_shows_how_to_start_it(project: LocalProject) -> None:
    with pytest.raises(GoToCloudError, match="gotocloud start other"):
        run("connect", "other")


def test_an_interrupted_pause_is_reported(
    project: LocalProject, capsys: pytest.CaptureFixture[str]
) -> None:
    fsx = project.stacks.client("fsx")
    link = fsx.describe_data_repository_associations()["Associations"][0]["AssociationId"]
    off: dict[str, Any] = {"AutoExportPolicy": {"Events": []}}
    fsx.update_data_repository_association(AssociationId=link, S3=off)
    run("connect", "desk", "--from", "8.8.8.8")
    assert "gotocloud pause desk --reopen" in capsys.readouterr().err
    run("pause", "desk", "--reopen")
    run("connect", "desk", "--from", "8.8.8.8")
    assert "--reopen" not in capsys.readouterr().err
