"""What can go wrong with a model before an engine opens it.

ModelError
├── UnknownModelError       no such id in the catalogue
├── CatalogueError          the catalogue itself is wrong
├── ModelChoiceError        a model that is asked for cannot do what is asked
├── ModelMissingError       not pulled, or damaged on disk
├── IntegrityError          bytes are not the ones the catalogue names
├── SourceUnavailableError  no source could be reached
└── StorageError            the disk refused
"""


class ModelError(Exception):
    """Base of all of them; the message is fit for the user."""


class UnknownModelError(ModelError):
    """No such id in the catalogue."""


class CatalogueError(ModelError):
    """The catalogue contradicts itself."""


class ModelChoiceError(ModelError):
    """A model that is asked for cannot do what is asked of it."""


class ModelMissingError(ModelError):
    """The model is not in the store, or not all of it."""


class IntegrityError(ModelError):
    """A file is not, byte for byte, the one the catalogue names."""


class SourceUnavailableError(ModelError):
    """None of a model's sources could be reached."""


class StorageError(ModelError):
    """The models folder cannot be written."""
