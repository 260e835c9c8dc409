"""Errors of a model before an engine opens it.

ModelError
├── UnknownModelError       no such id in the catalogue
├── CatalogueError          the catalogue itself is wrong
├── ModelChoiceError        a requested model does not support the request
├── ModelMissingError       not pulled, or damaged on disk
├── IntegrityError          bytes differ from those that the catalogue names
├── SourceUnavailableError  no source could be reached
└── StorageError            the models folder cannot be written
"""


class ModelError(Exception):
    """Base class of all model errors; the message is suitable for users."""


class UnknownModelError(ModelError):
    """No such id in the catalogue."""


class CatalogueError(ModelError):
    """The catalogue contradicts itself."""


class ModelChoiceError(ModelError):
    """A requested model does not support what is requested of it."""


class ModelMissingError(ModelError):
    """The model is not in the store, or is incomplete."""


class IntegrityError(ModelError):
    """A file differs from the one that the catalogue names."""


class SourceUnavailableError(ModelError):
    """None of a model's sources could be reached."""


class StorageError(ModelError):
    """The models folder cannot be written."""
