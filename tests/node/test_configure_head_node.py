"""The head node's script, run by bash below a root of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from gotocloud.aws.lustre_export.home import home_program
from gotocloud.contract.head_node import FACT_KEYS
from gotocloud.contract.tag_text import as_tag
from gotocloud.slurm.cluster_facts import cluster_facts

SCRIPT = Path(__file__).parents[2] / "gotocloud" / "node" / "configure-head-node.sh"
NAMES = ("Größe 粒子/1", "a=41 =C3=28", 'wei rd\'; $(reboot) "x"')


@dataclass(frozen=True)
class Node:
    """A head node, as far as the script can see one."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / "root" / name

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(SCRIPT), *arguments],
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "GOTOCLOUD_ROOT": str(self.folder / "root"),
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def written(self) -> dict[str, bytes]:
        root = self.folder / "root"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }


def arguments(**changes: str) -> list[str]:
    given = dict.fromkeys(FACT_KEYS, "x") | {"software": "/efs", "keep_hours": "8"} | changes
    return [f"{key}={value}" for key, value in given.items()]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/systemctl\n')
    systemctl.chmod(0o755)
    return Node(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_the_head_node_names_its_cluster_with_names_as_people_wrote_them(
    node: Node, name: str
) -> None:
    done = node.run(*arguments(project=as_tag(name), scientist="ann@lab", stack="s"))
    assert done.returncode == 0, done.stderr
    path = node.path("etc/gotocloud/cluster.json")
    told = json.loads(path.read_text())
    assert (told["project"], told["scientist"], told["keep_hours"]) == (name, "ann@lab", 8)
    assert set(told) == set(FACT_KEYS)
    assert path.stat().st_mode & 0o777 == 0o644
    assert cluster_facts(path).stack == "s"


def test_a_second_run_changes_nothing(node: Node) -> None:
    node.run(*arguments())
    before = node.written()
    assert node.run(*arguments()).returncode == 0
    assert node.written() == before


def test_the_guards_timer_is_started_and_survives_a_restart(node: Node) -> None:
    node.run(*arguments())
    calls = (node.folder / "systemctl").read_text().splitlines()
    timers = "gotocloud-guard.timer gotocloud-recovery.timer gotocloud-home.timer"
    assert calls == ["daemon-reload", f"enable --now {timers}"]
    timer = node.path("etc/systemd/system/gotocloud-guard.timer").read_text()
    service = node.path("etc/systemd/system/gotocloud-guard.service").read_text()
    assert "OnUnitInactiveSec=5min" in timer
    assert "ExecStart=/usr/local/sbin/gotocloud-guard" in service
    assert "TimeoutStartSec=infinity" in service


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (arguments()[1:], "cluster is missing"),
        ([*arguments(), "colour=red"], "'colour=red' is none of KEY=VALUE"),
        (arguments(project="a;reboot"), "'project=a;reboot' has no usable value"),
        (arguments(project="x bucket=y")[:7], "bucket is missing"),
        ([], "keep_hours is missing"),
        (arguments(keep_hours="8h"), "'keep_hours=8h' is no number of hours"),
        (arguments(software="efs"), "'software=efs' is no absolute path"),
    ],
)
def test_arguments_that_make_no_sense_change_nothing(
    node: Node, given: list[str], said: str
) -> None:
    done = node.run(*given)
    assert done.returncode == 1
    assert said in done.stderr
    assert node.written() == {}


def test_without_the_shared_software_the_guard_states_it_and_keeps_the_cluster(node: Node) -> None:
    node.run(*arguments(software=str(node.folder / "efs")))
    guard = str(node.path("usr/local/sbin/gotocloud-guard"))
    done = subprocess.run([guard], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0
    assert "this cluster is kept, and billed" in done.stdout


def test_with_the_shared_software_it_runs_that(node: Node) -> None:
    program = node.folder / "efs/gotocloud/bin/gotocloud"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "ran $* in $GOTOCLOUD_CACHE"; exit 4\n')
    program.chmod(0o755)
    node.run(*arguments(software=str(node.folder / "efs")))
    guard = str(node.path("usr/local/sbin/gotocloud-guard"))
    done = subprocess.run(
        [guard, "--dry-run"], capture_output=True, text=True, check=False, timeout=30
    )
    told = "ran guard --dry-run in /var/cache/gotocloud\n"
    assert (done.returncode, done.stdout) == (4, told)


def recovered(node: Node, jobs: dict[str, str]) -> list[str]:
    """What root runs, given the comments of each owner's jobs."""
    node.run(*arguments())
    (node.folder / "comments").mkdir()
    for number, comments in jobs.items():
        (node.folder / "comments" / number).write_text(comments)
    programs = {
        "squeue": f"""cd {node.folder}/comments
case "$*" in
*%U*) for owner in *; do while read -r line; do echo "$owner"; done <"$owner"; done ;;
*--user=*%k*) for word; do case "$word" in --user=*) cat "${{word#--user=}}" ;; esac; done ;;
*) printf 'ann '; cat 1001 ;;
esac""",
        "id": "case $2 in 1001) echo ann ;; 1002) echo bob ;; *) exit 1 ;; esac",
        "timeout": f'echo "$@" >>{node.folder}/runs',
    }
    for name, said in programs.items():
        program = node.folder / "bin" / name
        program.write_text(f"#!/bin/sh\n{said}\n")
        program.chmod(0o755)
    environment = {"PATH": f"{node.folder / 'bin'}:{os.environ['PATH']}"}
    recovery = str(node.path("usr/local/sbin/gotocloud-recovery"))
    subprocess.run([recovery], env=environment, check=False, timeout=30)
    runs = node.folder / "runs"
    return runs.read_text().splitlines() if runs.exists() else []


def test_jobs_that_lost_a_machine_are_taken_up_as_their_owners(node: Node) -> None:
    jobs = {
        "1001": "gotocloud:1\n(null)\ngotocloud:3\n",
        "1002": "gotocloud:2\n",
        "1003": "(null)\n",
        "1004": "gotocloud:4\n",
    }
    assert recovered(node, jobs) == [
        "240 runuser -l ann -c gotocloud resume --all",
        "240 runuser -l bob -c gotocloud resume --all",
    ]
    timer = node.path("etc/systemd/system/gotocloud-recovery.timer").read_text()
    assert "OnUnitInactiveSec=1min" in timer


def test_a_comment_names_no_one_whom_root_becomes(node: Node) -> None:
    comment = "x\nroot gotocloud:1\n--shell=/fsx/mine gotocloud:1\ngotocloud:1\n"
    assert recovered(node, {"1001": comment}) == ["240 runuser -l ann -c gotocloud resume --all"]


def test_relion_gets_the_form_of_this_cluster(node: Node) -> None:
    program = node.folder / "efs/gotocloud/bin/gotocloud"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "export FORM=own" >"$3/relion-form.sh"\n')
    program.chmod(0o755)
    node.run(*arguments(software=str(node.folder / "efs")))
    assert node.path("etc/gotocloud/relion-form.sh").read_text() == "export FORM=own\n"


def test_a_form_that_cannot_be_written_keeps_no_head_node_from_working(node: Node) -> None:
    done = node.run(*arguments(software=str(node.folder / "nothing")))
    assert done.returncode == 0
    assert "WARNING: RELION's form is not written" in done.stdout
    assert (node.folder / "systemctl").exists()


def test_a_login_finds_the_commands_once(node: Node) -> None:
    node.run(*arguments())
    profile = node.path("etc/profile.d/gotocloud.sh")
    script = f". {profile}; . {profile}; echo $PATH"
    done = subprocess.run(
        ["sh", "-euc", script],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "/usr/bin:/bin:/efs/gotocloud/bin\n"


def test_what_is_written_for_shells_is_clean(node: Node) -> None:
    node.run(*arguments())
    shellcheck = shutil.which("shellcheck")
    assert shellcheck, "shellcheck comes with the dev extra: make env"
    for path, kind in (
        (SCRIPT, "bash"),
        (node.path("usr/local/sbin/gotocloud-guard"), "bash"),
        (node.path("usr/local/sbin/gotocloud-recovery"), "bash"),
        (node.path("etc/profile.d/gotocloud.sh"), "sh"),
        (node.path("etc/gotocloud/start-folder.sh"), "sh"),
    ):
        done = subprocess.run(
            [shellcheck, f"--shell={kind}", "--exclude=SC1091", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == "", path


def test_nothing_is_built_or_downloaded() -> None:
    code = [line.strip() for line in SCRIPT.read_text().splitlines()]
    for word in ("apt", "yum", "dnf", "pip", "wget", "curl", "make ", "aws s3", "git "):
        assert not [line for line in code if line.startswith(word)], word


def shell(node: Node, arguments: list[str], folder: str = "home/ann", **more: str) -> list[str]:
    """What an interactive shell of a person prints that has read the start file: where it is."""
    home = node.path(folder)
    home.mkdir(parents=True, exist_ok=True)
    start = node.path("etc/gotocloud/start-folder.sh")
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", *arguments, f". {start}; pwd"],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **more},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_shells_of_people_begin_in_the_folder_of_the_project_and_states_it(node: Node) -> None:
    lustre = node.folder / "fsx"
    lustre.mkdir()
    node.run(*arguments(lustre=str(lustre)))
    told, where = shell(node, ["-ic"])
    assert f"belong in {lustre}" in told
    assert where == str(lustre)
    # Once: a shell in a shell, and a script, stay where they are.
    assert shell(node, ["-ic"], GOTOCLOUD_STARTED="1") == [str(node.path("home/ann"))]
    assert shell(node, ["-c"]) == [str(node.path("home/ann"))]


def test_without_lustre_people_get_a_shell_all_the_same(node: Node) -> None:
    node.run(*arguments(lustre=str(node.folder / "nothing")))
    assert shell(node, ["-ic"]) == [str(node.path("home/ann"))]


def test_a_terminal_of_the_desktop_begins_there_too(node: Node) -> None:
    bashrc = node.path("etc/bash.bashrc")
    bashrc.parent.mkdir(parents=True)
    bashrc.write_text("# of the image\n")
    for _ in range(2):
        node.run(*arguments())
    first, *lines = bashrc.read_text().splitlines()
    assert first == "# of the image"
    assert lines == [
        "if [ -r /etc/gotocloud/start-folder.sh ]; then . /etc/gotocloud/start-folder.sh; fi"
    ]


def test_each_desktop_has_a_link_to_the_project(node: Node) -> None:
    node.path("home/ann").mkdir(parents=True)
    for _ in range(2):
        node.run(*arguments(lustre="/fsx"))
    assert node.path("home/ann/Desktop/Project files").readlink() == Path("/fsx")


@pytest.mark.skipif(os.geteuid() != 0, reason="owners are kept by root only")
def test_home_of_the_last_cluster_is_there_before_people_are(node: Node, tmp_path: Path) -> None:
    program = SCRIPT.parent / "home.py"
    lustre = node.folder / "fsx"
    lustre.mkdir()
    earlier = tmp_path / "earlier"
    for name in ("home/ann", "run", "var/lib"):
        (earlier / name).mkdir(parents=True)
    (earlier / "home/ann/notes").write_text("kept")
    for root, words in (
        (earlier, ["sh", "-c", home_program("archive", str(lustre), str(10**9), "0")]),
        (node.folder / "root", [str(program), "install"]),
    ):
        subprocess.run(words, env={**os.environ, "GOTOCLOUD_ROOT": str(root)}, check=True)
    node.path("home").mkdir()
    node.path("run").mkdir()
    done = node.run(*arguments(lustre=str(lustre)))
    assert '"restored": true' in done.stdout
    assert node.path("home/ann/notes").read_text() == "kept"
    assert "WARNING" not in done.stdout.replace("WARNING: RELION's form", "")


def test_a_home_that_cannot_be_brought_back_keeps_no_head_node_from_working(node: Node) -> None:
    program = node.path("usr/local/sbin/gotocloud-home")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    done = node.run(*arguments())
    assert done.returncode == 0
    assert "WARNING: /home of the project's last cluster is not brought back yet" in done.stdout
    timer = node.path("etc/systemd/system/gotocloud-home.timer").read_text()
    service = node.path("etc/systemd/system/gotocloud-home.service").read_text()
    assert "OnUnitInactiveSec=1min" in timer
    assert "ExecStart=/usr/local/sbin/gotocloud-home restore x" in service
