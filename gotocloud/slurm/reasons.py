"""Why a job waits, in plain words.

Source of the codes: SchedMD/slurm, `src/common/job_state_reason.c` (25.11) and the reasons of
Slurm 22.05; a test holds the whole list. A code that is not known is shown as it is.
"""

from __future__ import annotations

import re

_WORDS = {
    "None": "",
    "WaitingForScheduling": "Slurm has not looked at it yet",
    "Resources": "waits until machines of its queue are free",
    "Priority": "waits behind jobs that were submitted earlier",
    "Dependency": "waits for the end of another job",
    "DependencyNeverSatisfied": (
        "can never start: the job it depends on has failed; cancel it (scancel)"
    ),
    "BeginTime": "was put back and starts again in a moment",
    "Prolog": "its machines are being prepared",
    "Cleaning": "its machines are being cleaned after it was put back",
    "JobArrayTaskLimit": "waits: as many tasks of its array run as may run at once",
    "JobHeldUser": "is held by its owner; let it go with: scontrol release",
    "JobHeldAdmin": "is held by the administrator, or failed to start several times",
    "JobHoldMaxRequeue": "is held: it was put back too often; let it go with: scontrol release",
    "launch failed requeued held": (
        "is held: it could not be started; let it go with: scontrol release"
    ),
    "job requeued in held state": "is held after being put back; let it go: scontrol release",
    "PartitionDown": "its queue is closed, as during an update or a pause of the cluster",
    "PartitionInactive": "its queue is closed, as during an update or a pause of the cluster",
    "PartitionNodeLimit": "requests more machines than its queue has or can start now",
    "PartitionTimeLimit": "requests more time than its queue gives",
    "PartitionConfig": "requests more than its queue allows",
    "ReqNodeNotAvail": "a machine it needs cannot be used now; AWS may have none to give",
    "FrontEndDown": "Slurm's front end does not answer",
    "SchedDefer": "Slurm looks at it in the next round",
    "NodeDown": "a machine it needs is down; AWS may have none to give",
    "BadConstraints": "no machine of its queue has what it requests",
    "Constraints": "no machine of its queue has what it requests",
    "SystemFailure": "Slurm, the file system or the network has failed",
    "JobLaunchFailure": "could not be started; see slurmctld.log on the head node",
    "NonZeroExitCode": "its program has failed; see run.err in the job's folder",
    "RaisedSignal": "its program was ended by a signal; see run.err in the job's folder",
    "TimeLimit": "used up its time",
    "InactiveLimit": "did nothing for too long",
    "OutOfMemory": "ran out of memory",
    "DeadLine": "cannot end before its deadline",
    "Licenses": "waits for a licence",
    "Reservation": "waits for its reservation to begin",
    "ReservationDeleted": "its reservation was deleted",
    "ReservationInvalid": "its reservation is not valid",
    "InvalidAccount": "its Slurm account does not exist",
    "InvalidQOS": "its quality of service does not exist",
    "QOSNotAllowed": "its quality of service may not use this queue",
    "AccountNotAllowed": "its Slurm account may not use this queue",
    "AccountingPolicy": "a limit of Slurm's accounts holds it back",
    "QOSUsageThreshold": "its quality of service has been used too much already",
    "FedJobLock": "waits for another cluster of the federation",
    "BlockMaxError": "a block of machines has too many errors",
    "BlockFreeAction": "a block of machines is being freed",
    "BurstBufferResources": "waits for room in the burst buffer",
    "BurstBufferStageIn": "waits for its data in the burst buffer",
    "BurstBufferOperation": "the burst buffer has failed",
    "PowerNotAvail": "waits for electric power",
    "PowerReserved": "waits for electric power that is reserved",
    "MaxMemPerLimit": "requests more memory than is allowed",
    "BeingPreempted": "makes room for a more urgent job",
}

_HOLDERS = {
    "Association": "its user's",
    "Assoc": "its user's",
    "QOS": "its quality of service's",
    "": "its Slurm account's",
}
_RESOURCES = {
    "cpu": "CPUs",
    "jobs": "jobs",
    "job": "jobs",
    "mem": "memory",
    "memory": "memory",
    "node": "machines",
    "submitjobs": "submitted jobs",
    "submitjob": "submitted jobs",
    "wall": "time",
    "wallduration": "time",
    "time": "time",
    "energy": "energy",
    "gres": "GPUs",
    "license": "licences",
    "bb": "burst buffers",
    "billing": "billing units",
    "resource": "resources",
    "unknown": "a resource",
}
_LIMIT = re.compile(
    r"(?P<holder>Association|Assoc|QOS|)(?P<kind>Grp|Max|Min|)"
    r"(?P<resource>Cpu|CPU|SubmitJobs|SubmitJob|Jobs|Job|Memory|Mem|Node|WallDuration|Wall|Time|"
    r"Energy|GRES|License|BB|Billing|Resource|Unknown)"
    r"(?P<minutes>RunMinutes|Minutes|)(?P<per>PerJob|PerUser|PerNode|PerAccount|)"
    r"(?:Limit|NotSatisfied|)"
)
_UNAVAILABLE = re.compile(r"ReqNodeNotAvail, *(?:UnavailableNodes|May be reserved)?:?(?P<nodes>.*)")


def reason_words(reason: str) -> str:
    """Why a job waits, in words that go on from "the job …"; an unknown code as it is."""
    # Slurm 22.05 shows some as sentences of its own; the codes are in
    # https://slurm.schedmd.com/squeue.html (JOB REASON CODES).
    plain = reason.strip().strip("()")
    if plain in _WORDS:
        return _WORDS[plain]
    if found := _UNAVAILABLE.fullmatch(plain):
        nodes = found["nodes"].strip()
        return f"{_WORDS['ReqNodeNotAvail']}{f' ({nodes})' if nodes else ''}"
    if plain.startswith("Nodes required for job are DOWN, DRAINED"):
        return _WORDS["NodeDown"]
    if (found := _LIMIT.fullmatch(plain)) and (found["holder"] or found["per"]):
        return _limit_words(found)
    return reason.strip()


def _limit_words(found: re.Match[str]) -> str:
    resource = _RESOURCES[found["resource"].lower()]
    minutes = "minutes of " if found["minutes"] else ""
    each = {
        "PerJob": " of a job",
        "PerUser": " of a user",
        "PerNode": " of a machine",
    }.get(found["per"], "")
    holder = _HOLDERS[found["holder"]]
    if found["kind"] == "Min":
        return f"requests less than {holder} least {minutes}{resource}{each}"
    return f"waits: {holder} limit of {minutes}{resource}{each} is reached"
