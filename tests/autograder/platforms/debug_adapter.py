"""A small client of the debug adapter protocol: what VS Code says to debugpy, said by a test.

with Editor(course) as editor:
    editor.start(entry, file, [2])
    stop = editor.wait_for_stop()
    editor.variables(stop), editor.evaluate(stop, "x + 1")
    editor.go_on(stop)
"""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

#: After so many seconds whatever still runs is killed, and a wait ends.
PATIENCE = 240.0


@dataclass(frozen=True)
class Stop:
    """A place where the debugger stands: why, in which thread, with which frames, the innermost first."""

    reason: str
    thread: int
    frames: list[dict[str, Any]]

    @property
    def place(self) -> tuple[str, str, int]:
        """Return the file's name, the function and the line of the innermost frame."""
        top = self.frames[0]
        return Path(top["source"]["path"]).name, top["name"], top["line"]


class Editor:
    """Plays VS Code for one run: starts debugpy's adapter, and speaks to it through its standard streams.

    Args:
        folder: that is open in the editor.
        environment: of what is debugged.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._number = 0
        self._terminal: subprocess.Popen[str] | None = None
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> "Editor":
        self._adapter = subprocess.Popen(
            [sys.executable, "-m", "debugpy.adapter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._watchdog = threading.Timer(PATIENCE, self._kill)
        self._watchdog.daemon = True
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        self._kill()
        for process in filter(None, (self._adapter, self._terminal)):
            with process:  # which waits for it
                pass

    def _kill(self) -> None:
        for process in filter(None, (self._adapter, self._terminal)):
            process.kill()

    def start(self, entry: dict[str, Any], file: Path, breakpoints: list[int]) -> None:
        """Start an entry of `launch.json`, as with F5 or the green triangle.

        Args:
            entry: of the file, its variables not yet filled in.
            file: that is open.
            breakpoints: lines of it.
        """
        asked = json.loads(
            json.dumps(entry).replace("${file}", file.as_posix()).replace("${workspaceFolder}", self._folder.as_posix())
        )
        self._request(
            "initialize", adapterID="debugpy", linesStartAt1=True, pathFormat="path", supportsRunInTerminalRequest=True
        )
        launch = self._send("launch", **{"python": [sys.executable], **asked})
        self._wait_for(lambda message: message.get("event") == "initialized")
        lines = [{"line": line} for line in breakpoints]
        self._request("setBreakpoints", source={"path": str(file)}, breakpoints=lines)
        self._request("setExceptionBreakpoints", filters=["uncaught"])  # as VS Code has it ticked
        self._request("configurationDone")
        self._answer_to(launch)

    def wait_for_stop(self) -> Stop | None:
        """Return where the debugger stands next; None once the run has ended."""
        event = self._wait_for(lambda message: message.get("event") in ("stopped", "terminated"))
        if event["event"] == "terminated":
            return None
        body = event["body"]
        frames = self._request("stackTrace", threadId=body["threadId"])["stackFrames"]
        return Stop(body["reason"], body["threadId"], frames)

    def variables(self, stop: Stop, scope: str = "Locals") -> dict[str, str]:
        """Return names and values in a panel's scope of the innermost frame."""
        scopes = self._request("scopes", frameId=stop.frames[0]["id"])["scopes"]
        reference = next(each["variablesReference"] for each in scopes if each["name"] == scope)
        found = self._request("variables", variablesReference=reference)["variables"]
        return {each["name"]: each["value"] for each in found}

    def evaluate(self, stop: Stop, expression: str) -> str:
        """Return the value of an expression in the innermost frame, as the debug console shows it."""
        answer: str = self._request("evaluate", expression=expression, frameId=stop.frames[0]["id"], context="repl")[
            "result"
        ]
        return answer

    def exception(self, stop: Stop) -> str:
        """Return what is said of the exception at which the debugger stands."""
        said: str = self._request("exceptionInfo", threadId=stop.thread)["description"]
        return said

    def go_on(self, stop: Stop) -> None:
        """Continue after a stop."""
        self._request("continue", threadId=stop.thread)

    def printed(self) -> str:
        """Return what the run has printed into its terminal, once it has ended."""
        assert self._terminal is not None
        return self._terminal.communicate()[0]

    def _request(self, command: str, **arguments: object) -> dict[str, Any]:
        return self._answer_to(self._send(command, **arguments))

    def _send(self, command: str, **arguments: object) -> int:
        self._number += 1
        self._write({"seq": self._number, "type": "request", "command": command, "arguments": arguments})
        return self._number

    def _answer_to(self, number: int) -> dict[str, Any]:
        answer = self._wait_for(lambda message: message.get("request_seq") == number)
        assert answer["success"], answer
        body: dict[str, Any] = answer.get("body") or {}
        return body

    def _wait_for(self, wanted: Any) -> dict[str, Any]:
        """Return the first message of a kind; others stay for later, and requests of the adapter are carried out."""
        while True:
            for message in self._events:
                if wanted(message):
                    self._events.remove(message)
                    return message
            message = self._read()
            if message["type"] == "request":
                self._carry_out(message)
            else:
                self._events.append(message)

    def _carry_out(self, request: dict[str, Any]) -> None:
        assert request["command"] == "runInTerminal", request
        asked = request["arguments"]
        self._terminal = subprocess.Popen(
            asked["args"],
            cwd=asked["cwd"],
            env={**self._environment, **(asked.get("env") or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._number += 1
        self._write(
            {
                "seq": self._number,
                "type": "response",
                "request_seq": request["seq"],
                "success": True,
                "command": request["command"],
                "body": {},
            }
        )

    def _write(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode()
        assert self._adapter.stdin is not None
        self._adapter.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self._adapter.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._adapter.stdout is not None
        length = 0
        for line in iter(self._adapter.stdout.readline, b""):
            if line == b"\r\n":
                message: dict[str, Any] = json.loads(self._adapter.stdout.read(length))
                return message
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        raise EOFError("the debug adapter has ended")
