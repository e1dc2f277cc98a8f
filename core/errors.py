"""Every error LowLux raises on purpose.

    CoreError
    ├── SettingsError              a wish that cannot be met as written
    ├── SourceError                a picture source
    │   ├── SourceOpenError        it never opened
    │   └── SourceLostError        it opened and then failed
    ├── WriterError                an output could not be written
    ├── ModelError
    │   └── CheckpointError        weights that are damaged, foreign or unsafe
    └── BackendError
        └── BackendUnavailableError   the device asked for is not there

A message is one sentence: what failed, on what, what to try. Library errors are translated in the
module that called the library, with ``raise ... from``.
"""


class CoreError(Exception):
    """Anything a user can be told in one sentence."""


class SettingsError(CoreError):
    """The request itself is wrong; the command line exits with 2."""


class SourceError(CoreError):
    """A source of pictures failed."""


class SourceOpenError(SourceError):
    """The source could not be opened."""


class SourceLostError(SourceError):
    """The source opened and then stopped delivering."""


class WriterError(CoreError):
    """The output could not be written."""


class ModelError(CoreError):
    """A network could not be built or run."""


class CheckpointError(ModelError):
    """A weights file is missing, damaged, unsafe or of another architecture."""


class BackendError(CoreError):
    """The device failed while computing."""


class BackendUnavailableError(BackendError):
    """The device asked for does not exist on this machine."""
