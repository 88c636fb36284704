"""The facts of every job type of RELION 3.1 to 5, one row each.

Source: 3dem/relion, `getCommands…Job` and `initialise…Job` in src/pipeline_jobs.cpp of the
tags 3.1.3, 4.0.1 and 5.0.1; tests/relion/pipeline_jobs.csv holds what that file names, with
its lines, and a test compares. What another source gives stands beside the row.
"""

from __future__ import annotations

from gotocloud.relion.job_facts import RelionJobType
from gotocloud.relion.job_table import maps, micrographs, particles, tomography

TYPES: tuple[RelionJobType, ...] = (
    *micrographs.TYPES,
    *particles.TYPES,
    *maps.TYPES,
    *tomography.TYPES,
)
