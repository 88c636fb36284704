"""Finds the bucket of a project."""

from __future__ import annotations

from gotocloud.aws.cloud import Cloud
from gotocloud.aws.projects import only_project, own_projects, place
from gotocloud.contract.project_names import ProjectNames
from gotocloud.errors import shell_line, unknown_name


def project_bucket(cloud: Cloud, project: str | None, verb: str) -> ProjectNames:
    """The names of one of the caller's projects, its bucket's among them.

    Args:
        project: Default: the only one that there is.
        verb: The calling command, for what to type next.

    Raises:
        InputError: if there is no such project, or it is not clear which one is meant.
        GoToCloudError: if AWS does not answer.
    """
    where = place(cloud)
    if project is None:
        project = only_project(cloud, where, f"{verb} --project")
    else:
        projects = own_projects(cloud, where)
        if project not in projects:
            raise unknown_name(
                "project", project, projects, next_command=shell_line("gotocloud", "setup", project)
            )
    return where.names(project)
