"""The two ways in which a job ends badly, told apart for the exit status."""


class GlassbotanError(Exception):
    """Anything glassbotan refuses or fails at; its text is one line for a person."""

    exit_status = 1


class InputError(GlassbotanError):
    """The input is wrong: says what, in which file and field, and what would be right."""

    exit_status = 2


class RunError(GlassbotanError):
    """The input was right and the run failed all the same (a full disk, a lost server ...)."""


class LostContactError(RunError):
    """Another process of the run has ended, or cannot be reached."""


class ToldElsewhereError(GlassbotanError):
    """Another process of the same run tells the error; this one only ends with its status."""

    def __init__(self, error: GlassbotanError) -> None:
        super().__init__(str(error))
        self.exit_status = error.exit_status
