"""How the software gets onto the shared file system, and how the one file starts there."""
