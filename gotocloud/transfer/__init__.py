"""What is to be moved between a folder and a project's bucket, and what is in the way: no AWS."""
