"""The limits of a cell's output, without a kernel: its messages are handed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from istiolab.notebook.bounded import BoundedClient


class Interrupted(BoundedClient):
    """A client that counts its interrupts instead of sending them."""

    interrupts = 0

    async def interrupt(self) -> None:
        self.interrupts += 1


def put_out(*messages: tuple[int, dict[str, Any]]) -> tuple[Interrupted, list[list[NotebookNode]]]:
    """Return the client, and for each cell its outputs, after cells put out `messages`."""

    async def run() -> tuple[Interrupted, list[list[NotebookNode]]]:
        document: NotebookNode = new_notebook()  # type: ignore[no-untyped-call]
        client = Interrupted(
            document,
            km=AsyncKernelManager(),
            startup_timeout=1,
            cut_bytes=100,
            runaway_bytes=1000,
        )
        cells: list[list[NotebookNode]] = [[], []]
        # nbclient's own sets it when it sends a cell.
        client.clear_before_next_output = False
        for index, each in messages:
            client.output(cells[index], each, None, index)
        await asyncio.sleep(0)
        return client, cells

    return asyncio.run(run())


def message(kind: str, content: dict[str, Any], *, cell: int = 0) -> tuple[int, dict[str, Any]]:
    header = {"msg_type": kind}
    return cell, {"header": header, "parent_header": {}, "msg_type": kind, "content": content}


def stream(text: str, *, cell: int = 0) -> tuple[int, dict[str, Any]]:
    # A name of no bytes, so that the text alone is counted.
    return message("stream", {"name": "", "text": text}, cell=cell)


def result(text: str) -> tuple[int, dict[str, Any]]:
    content = {"data": {"text/plain": text}, "metadata": {}, "execution_count": 1}
    return message("execute_result", content)


def error(text: str) -> tuple[int, dict[str, Any]]:
    return message("error", {"ename": "E", "evalue": "v", "traceback": [text]})


def test_output_up_to_the_limit_is_kept_as_it_is() -> None:
    client, (outputs, _) = put_out(stream("x" * 60), stream("y" * 40))
    assert [each.text for each in outputs] == ["x" * 60, "y" * 40]
    assert not client.ran_away


@pytest.mark.parametrize("more", [stream, result])
def test_output_over_the_limit_is_left_out_with_one_notice(
    more: Callable[[str], tuple[int, dict[str, Any]]],
) -> None:
    client, (outputs, _) = put_out(stream("x" * 60), more("y" * 41), more("z"), more("z"))
    assert [each.text for each in outputs] == [
        "x" * 60,
        "\n[istiolab: the output was cut after 100 bytes]\n",
    ]
    assert outputs[1].name == "stderr"
    assert client.interrupts == 0


def test_the_limit_counts_bytes_and_not_characters() -> None:
    _, (outputs, _) = put_out(stream("字" * 40))
    assert "was cut" in outputs[0].text


def test_half_a_character_is_counted_as_well() -> None:
    _, (outputs, _) = put_out(stream("\ud800" * 3))
    assert outputs[0].text == "\ud800" * 3


def test_an_error_is_kept_even_after_the_limit() -> None:
    _, (outputs, _) = put_out(stream("x" * 200), error("y" * 200))
    assert [each.output_type for each in outputs] == ["stream", "error"]
    assert outputs[1].traceback == ["y" * 200]


def test_output_without_end_is_interrupted_once() -> None:
    client, (outputs, _) = put_out(*[stream("x" * 400)] * 9)
    assert client.ran_away
    assert client.interrupts == 1
    assert len(outputs) == 1


def test_just_the_limit_is_not_yet_output_without_end() -> None:
    client, _ = put_out(stream("x" * 600), stream("x" * 400))
    assert not client.ran_away
    assert client.interrupts == 0


def test_each_cell_has_limits_of_its_own() -> None:
    client, (_, outputs) = put_out(stream("x" * 1001), stream("y" * 80, cell=1))
    assert [each.text for each in outputs] == ["y" * 80]
    assert not client.ran_away
    assert client.interrupts == 1
