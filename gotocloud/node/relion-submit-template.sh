#!/bin/bash
# RELION fills this in (RELION_QSUB_TEMPLATE) for every job and hands it to `gotocloud submit`,
# which reads it, checks the job, chooses its machines and writes the script that Slurm gets.
# Run or submitted by itself, it requests the same.
#GTC version=1
#GTC job=XXXnameXXX
#GTC queue=XXXqueueXXX
#GTC ranks=XXXmpinodesXXX
#GTC threads=XXXthreadsXXX
#GTC out=XXXoutfileXXX
#GTC err=XXXerrfileXXX
#GTC extra1=XXXextra1XXX
#GTC extra2=XXXextra2XXX
#GTC extra3=XXXextra3XXX
#GTC extra4=XXXextra4XXX
#GTC extra5=XXXextra5XXX
#GTC extra6=XXXextra6XXX
#GTC extra7=XXXextra7XXX
#GTC extra8=XXXextra8XXX
#GTC extra9=XXXextra9XXX
gotocloud submit "$0"
exit
#GTC commands
# shellcheck disable=SC2317 # read, never run
XXXcommandXXX
#GTC end
