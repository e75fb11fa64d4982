"""The one place where exceptions become something a visitor can read."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.layout import plain
from ccim_core.errors import InputError

__all__ = ["shown_errors"]

logger = logging.getLogger(__name__)


@contextmanager
def shown_errors(doing: str) -> Iterator[None]:
    """Run a block of a page; whatever it raises is shown as one `st.error`.

    An InputError is shown as its own sentence. Anything else is a defect of ours: the visitor
    gets an apology with a reference, the log gets the traceback under that reference.
    Streamlit's own control flow (`st.stop`, `st.rerun`) passes through: it is no `Exception`.

    Args:
        doing: what the block does, to complete "Something went wrong on our side while …".
    """
    try:
        yield
    except InputError as error:
        st.error(plain(str(error)), icon=":material/error:")
    except Exception:
        reference = uuid.uuid4().hex[:8]
        logger.exception("Reference %s: while %s", reference, doing)
        st.error(
            f"Something went wrong on our side while {doing}. Your input is untouched: try again, "
            f"and if it happens again report reference `{reference}`, under which the server's "
            "log has the details.",
            icon=":material/error:",
        )
