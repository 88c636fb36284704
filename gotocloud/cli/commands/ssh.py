"""`gotocloud ssh`: a shell on the head node, without SSH."""

from __future__ import annotations

import typer

from gotocloud.cli.options import DryRun, ProjectArgument
from gotocloud.cli.output import narrate, suggest
from gotocloud.contract.head_node import LUSTRE_MOUNT
from gotocloud.errors import shell_line

app = typer.Typer(help="A shell on the head node.")


@app.command(epilog="Example: gotocloud ssh apoferritin")
def ssh(
    project: ProjectArgument = None,
    dry_run: DryRun = False,
) -> None:
    """Start a shell on the head node through Systems Manager: no key, no open port."""
    from gotocloud.aws.cloud import StandardCloud
    from gotocloud.aws.node_sessions import require_plugin, shell
    from gotocloud.aws.projects import place
    from gotocloud.cli.work.running import running

    cloud = StandardCloud()
    where = place(cloud)
    cluster = running(cloud, where, project, "ssh", change=not dry_run)
    require_plugin()
    if dry_run:
        narrate(f"Would start a shell on {cluster.node.instance}.")
        return
    narrate("In the shell: sudo su - ubuntu makes you the desktop's user.")
    narrate(f"Files of the project belong in {LUSTRE_MOUNT}.")
    code = shell(cloud, cluster.node.instance)
    narrate("The cluster runs on, and is billed.")
    suggest(shell_line("gotocloud", "pause", cluster.names.project))
    raise typer.Exit(code)
