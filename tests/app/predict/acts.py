"""What a visitor does on the Predict page, and reads on it."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest


def upload(test: AppTest, name: str, content: bytes) -> AppTest:
    return test.file_uploader(key="upload").upload(name, content, "image/jpeg").run()


def choose(test: AppTest, key: str, value: Any) -> AppTest:
    """Choose on a segmented control."""
    return next(group for group in test.button_group if group.key == key).set_value(value).run()


def charts(test: AppTest) -> list[Any]:
    return list(test.get("plotly_chart"))


def words(test: AppTest) -> str:
    return "\n".join(element.value for element in (*test.markdown, *test.caption))


def upload_all(test: AppTest, *files: tuple[str, bytes]) -> AppTest:
    uploader = test.file_uploader(key="upload")
    return uploader.set_value([(name, content, "image/jpeg") for name, content in files]).run()


def type_box(test: AppTest, *corners: int) -> AppTest:
    for label, value in zip(("Left", "Top", "Right", "Bottom"), corners, strict=True):
        next(box for box in test.number_input if box.label.startswith(label)).set_value(value)
    return next(button for button in test.button if button.label == "Use this box").click().run()
