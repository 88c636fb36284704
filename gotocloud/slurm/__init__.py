"""Slurm: batch scripts, submissions, queue state, accounting and recovery."""
