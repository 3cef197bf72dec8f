"""Grade one submission, a class, or a class on a cluster; replay a result; verify the course itself."""
