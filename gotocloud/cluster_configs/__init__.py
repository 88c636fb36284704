"""Cluster configurations and their renderer to ParallelCluster; pure."""
