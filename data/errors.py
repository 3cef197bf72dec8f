"""What can be wrong with the course's data. Each message is a sentence: what, which thing, what to do.

DataError
├── WeightsError    weights are missing, cannot be downloaded, or are not those of the network
├── CacheError      the cache folder cannot be written
└── PetsError       a folder of pets is missing or not laid out as the collection is
"""


class DataError(RuntimeError):
    """The root of all errors that `data` raises on its own."""


class WeightsError(DataError):
    """Weights are missing, cannot be downloaded, or are not those of the network."""


class CacheError(DataError):
    """The cache folder cannot be written, or what lies there cannot be replaced."""


class PetsError(DataError):
    """A folder of pets is missing or not laid out as the collection is."""
