"""Who may use the local AWS: holders of a key of this run, by signed requests."""
