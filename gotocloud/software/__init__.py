"""The software on the shared file system: catalogue, module files, builds, releases."""
