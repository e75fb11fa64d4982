"""The one exception that means "your input cannot be used", as opposed to a bug."""

__all__ = ["InputError"]


class InputError(ValueError):
    """Input that cannot be used; its message is one sentence: what is wrong and what to do.

    The command line prints it and exits with code 2; the app shows it in `st.error`.
    Every other exception is a defect of ours and is left to surface as one.
    """
