"""What GoToCloud is made of and tested with: packages and tools, with hashes and licences."""
