"""Benchmark records from what others leave: RELION projects, Slurm's accounting, tables."""
