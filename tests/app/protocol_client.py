"""A visitor without a browser: Streamlit's own protocol, spoken to the real server.

Twenty browsers would measure the browsers; a client that only uploads, waits and reads what the
page says measures the server. It speaks to a server on this machine only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileUploaderState, FileURLs, FileURLsRequest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

__all__ = ["PageVisitor"]

XSRF = "_streamlit_xsrf"
SECONDS = 180.0


@dataclass
class PageVisitor:
    """One session on one page.

    Args:
        url: of a server on this machine.
        page: address of the page.
    """

    url: str
    page: str
    texts: list[str] = field(default_factory=list)
    uploader: str = ""

    def __enter__(self) -> PageVisitor:
        host = urlsplit(self.url).hostname
        assert host in ("127.0.0.1", "localhost"), f"{host} is not this machine"
        self._http = requests.Session()
        self._http.get(f"{self.url}/_stcore/health", timeout=30).raise_for_status()
        self._xsrf = self._http.cookies[XSRF]
        self._messages: dict[str, ForwardMsg] = {}
        self._file: FileURLs | None = None
        self._session = ""
        self._socket = connect(
            self.url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=["streamlit", self._xsrf],
            additional_headers={"Cookie": f"{XSRF}={self._xsrf}"},
            origin=self.url,
            max_size=None,
            open_timeout=60,
            legacy=True,
        )
        self._run([])
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._http.close()

    def upload(self, name: str, content: bytes, kind: str = "image/jpeg") -> list[str]:
        """Replace the page's upload by a file; returns the texts that the page then shows."""
        before = self._file
        request = FileURLsRequest(request_id="1", file_names=[name], session_id=self._session)
        self._socket.send(BackMsg(file_urls_request=request).SerializeToString())
        while True:
            message = self._receive()
            if message.WhichOneof("type") == "file_urls_response":
                break
        assert not message.file_urls_response.error_msg, message.file_urls_response.error_msg
        self._file = message.file_urls_response.file_urls[0]
        self._put(self._file.upload_url, name, content, kind)
        told = FileUploaderState()
        told.uploaded_file_info.add(
            name=name, size=len(content), file_id=self._file.file_id, file_urls=self._file
        )
        self._run([WidgetState(id=self.uploader, file_uploader_state_value=told)])
        if before is not None:  # as the browser does with a file that was taken off the list
            self._http.delete(
                self.url + before.delete_url, headers={"X-Xsrftoken": self._xsrf}, timeout=60
            ).raise_for_status()
        return self.texts

    def _put(self, address: str, name: str, content: bytes, kind: str) -> None:
        self._http.put(
            self.url + address,
            files={name: (name, content, kind)},
            headers={"X-Xsrftoken": self._xsrf},
            timeout=60,
        ).raise_for_status()

    def _run(self, widgets: list[WidgetState]) -> None:
        """Run the page's script once and gather its texts."""
        request = BackMsg()
        request.rerun_script.page_name = self.page
        request.rerun_script.widget_states.widgets.extend(widgets)
        self._socket.send(request.SerializeToString())
        self.texts = []
        while True:
            message = self._receive()
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._session = message.new_session.initialize.session_id or self._session
                self.texts = []
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                self._note(message.delta.new_element)
            elif kind == "script_finished":
                status = ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)
                if status == "FINISHED_SUCCESSFULLY":
                    return
                assert status == "FINISHED_EARLY_FOR_RERUN", status

    def _note(self, element: Any) -> None:
        kind = element.WhichOneof("type")
        if kind == "markdown":
            self.texts.append(re.sub(r"^#+ ", "", element.markdown.body))
        elif kind == "alert":
            self.texts.append(f"alert: {element.alert.body}")
        elif kind == "file_uploader" and not self.uploader:
            self.uploader = element.file_uploader.id

    def _receive(self) -> ForwardMsg:
        data = self._socket.recv(timeout=SECONDS)
        assert isinstance(data, bytes)
        message = ForwardMsg.FromString(data)
        if message.WhichOneof("type") == "ref_hash":
            message = self._messages[message.ref_hash]
        elif message.hash:
            self._messages[message.hash] = message
        return message
