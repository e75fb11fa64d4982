"""What a visitor reads when something is raised."""

from __future__ import annotations

import logging

import pytest
from streamlit.testing.v1 import AppTest


def _raise_input_error() -> None:
    import streamlit as st

    from app.errors import shown_errors
    from ccim_core.errors import InputError

    with shown_errors("testing"):
        raise InputError("Expected a *picture* in a_b_c.jpg, got text.")
    st.write("after")


def _raise_defect() -> None:
    import streamlit as st

    from app.errors import shown_errors

    with shown_errors("testing"):
        raise RuntimeError("secret /home/someone")
    st.write("after")


def _stop() -> None:
    import streamlit as st

    from app.errors import shown_errors

    with shown_errors("testing"):
        st.stop()
    st.write("after")


def test_input_error_is_shown_as_its_sentence_and_the_page_goes_on() -> None:
    test = AppTest.from_function(_raise_input_error).run()
    assert [error.value for error in test.error] == [
        r"Expected a \*picture\* in a\_b\_c.jpg, got text."
    ]
    assert [text.value for text in test.markdown] == ["after"]
    assert not test.exception


def test_defect_is_an_apology_with_a_reference_and_the_log_has_the_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, logger="app.errors"):
        test = AppTest.from_function(_raise_defect).run()
    (error,) = test.error
    assert "secret" not in error.value
    assert "Traceback" not in error.value
    reference = error.value.split("`")[1]
    (record,) = caplog.records
    assert reference in record.getMessage()
    assert record.exc_info is not None
    assert "secret" in str(record.exc_info[1])
    assert [text.value for text in test.markdown] == ["after"]
    assert not test.exception


def test_streamlit_control_flow_passes_through() -> None:
    test = AppTest.from_function(_stop).run()
    assert not test.error
    assert not test.markdown
