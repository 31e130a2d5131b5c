"""The exceptions that the compiler raises; the physics package re-exports them and adds its own."""


class SymphysError(Exception):
    """Base of every error that symphys or its compiler raises on purpose; its message names the remedy."""


class InputError(SymphysError, ValueError):
    """What the user gave is wrong; the message names the symbol, the numbers and what to give instead."""


class UnsupportedError(SymphysError, NotImplementedError):
    """What the user asks is meaningful, but this backend, method or kind of system cannot do it."""


class BackendUnavailableError(SymphysError, RuntimeError):
    """A backend was asked for whose library, driver or device is missing; the message names the extra to install."""


class CompilerBug(SymphysError, RuntimeError):
    """The compiler broke one of its own rules; never the user's fault, and worth a report."""
