"""Several machines that grade at once: the only part that knows Dask."""

from autograder.grading.cluster.cluster import Cluster

__all__ = ["Cluster"]
