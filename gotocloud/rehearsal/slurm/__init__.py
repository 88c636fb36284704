"""A real Slurm on this machine, shaped like the cluster that ParallelCluster would make."""
