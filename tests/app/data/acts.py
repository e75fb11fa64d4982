"""What a visitor does on the Data page, and reads on it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def words(test: AppTest) -> str:
    return "\n".join(element.value for element in (*test.markdown, *test.caption, *test.subheader))


def press(test: AppTest, label: str) -> AppTest:
    (button,) = [button for button in test.button if button.label == label]
    return button.click().run()


def choose(test: AppTest, label: str, value: str) -> AppTest:
    (box,) = [box for box in test.selectbox if box.label == label]
    return box.set_value(value).run()
