"""HTTP as the gateway's short way reads it: strictly, and like every other reader."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest
from aiohttp.http import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from fiscus.edges.gateway.plain_answers import AnswerReader, NoAnswer, PlainAnswer
from fiscus.edges.gateway.plain_requests import PlainHeads, read_head

HEAD = b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: here:1\r\nContent-Length: 2\r\n\r\n"
BODIES = st.binary(max_size=300)
CUTS = st.lists(st.integers(0, 600), max_size=6)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(place, len(data)) for place in cuts})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def read(data: bytes, cuts: list[int]) -> PlainAnswer | None:
    reader = AnswerReader()
    return (
        next((answer for piece in cut(data, cuts) if (answer := reader.feed(piece)) is not None), None) or reader.end()
    )


class TestAnswers:
    @given(BODIES, CUTS, CUTS)
    def test_however_a_body_is_framed_and_cut_it_is_the_same(
        self, body: bytes, parts: list[int], cuts: list[int]
    ) -> None:
        chunks = b"".join(b"%x;x=1\r\n%b\r\n" % (len(part), part) for part in cut(body, parts) if part)
        by_length = read(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body), cuts)
        in_chunks = read(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\nA: b\r\n\r\n" % chunks, cuts)
        to_the_end = read(b"HTTP/1.1 200 OK\r\n\r\n" + body, cuts)
        assert by_length is not None
        assert in_chunks is not None
        assert to_the_end is not None
        assert by_length.body == in_chunks.body == to_the_end.body == body
        assert (by_length.keep, in_chunks.keep, to_the_end.keep) == (True, True, False)

    @given(BODIES.filter(len), CUTS, st.data())
    def test_an_answer_that_breaks_off_is_none(self, body: bytes, cuts: list[int], data: st.DataObject) -> None:
        whole = data.draw(st.sampled_from([
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
        ]))  # fmt: skip
        assert read(whole[: data.draw(st.integers(0, len(whole) - 1))], cuts) is None

    def test_what_comes_before_an_answer_is_passed_over_and_what_comes_behind_ends_the_connection(self) -> None:
        answer = read(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\nX: 1\r\n\r\nmore", [])
        assert answer == PlainAnswer(204, (b"X: 1",), b"", keep=False)

    @pytest.mark.parametrize(
        "head",
        [
            b"SSH-2.0-x\r\n\r\n",
            b"HTTP/1.1 101 Switching\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\nSet-Cookie: c\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        ],
    )
    def test_what_is_no_answer_is_refused(self, head: bytes) -> None:
        with pytest.raises(NoAnswer):
            AnswerReader().feed(head)


class TestRequests:
    @given(st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,9}", fullmatch=True).filter(
        lambda name: name.lower() not in {"te", "host", "connection", "upgrade", "expect", "trailer"}
    ), st.from_regex(r"[!-~]([ -~]{0,9}[!-~])?", fullmatch=True), max_size=5))  # fmt: skip
    def test_a_plain_head_says_what_the_full_server_reads_in_it(self, more: dict[str, str]) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in more.items()).encode()
        raw = HEAD.replace(b"\r\n\r\n", b"\r\n" + lines + b"\r\n")
        head = read_head(raw)
        loop = asyncio.new_event_loop()
        [(message, _)], _, _ = HttpRequestParser(mock.Mock(), loop, 2**16).feed_data(raw)
        loop.close()
        assert head is not None
        assert list(head.headers.items()) == list(message.headers.items())
        assert (head.path, head.length) == (message.path, 2)

    @given(st.binary(max_size=40), CUTS)
    def test_a_request_is_whole_only_with_all_of_its_body(self, behind: bytes, cuts: list[int]) -> None:
        heads, held, found = PlainHeads(), b"", []
        for piece in cut(HEAD + b"{}" + behind, cuts):
            held += piece
            split = heads.split(held)
            found.append(split if isinstance(split, str) else split[1])
            assert isinstance(split, str) == (len(held) < len(HEAD) + 2)
        assert set(found) <= {"more", b"{}"}

    @pytest.mark.parametrize(
        "line",
        [
            b"Transfer-Encoding: chunked", b"Content-Length: 3", b"Content-Length : 2", b" folded: 1", b"Expect: 100-continue",
            b"Upgrade: websocket", b"Connection: close", b"Content-Encoding: gzip", b"Host: there", b"X: \x00", b"X: a\nY: b",
            b"X: \xff", b"no colon", b"Authorization: a\r\nAuthorization: b",
        ],
    )  # fmt: skip
    def test_what_readers_may_differ_on_is_for_the_full_server(self, line: bytes) -> None:
        assert PlainHeads().split(HEAD.replace(b"Host", line + b"\r\nHost", 1) + b"{}") == "other"

    @pytest.mark.parametrize(
        "first",
        [b"GET / HTTP/1.1", b"POST /a/../b HTTP/1.1", b"POST /a//b HTTP/1.1", b"POST /a%2e HTTP/1.1", b"POST http://x/ HTTP/1.1",
         b"POST /a HTTP/1.0", b"POST  /a HTTP/1.1", b"PRI * HTTP/2.0"],
    )  # fmt: skip
    def test_another_first_line_too(self, first: bytes) -> None:
        assert PlainHeads().split(first + HEAD[HEAD.index(b"\r\n") :] + b"{}") == "other"

    def test_a_head_without_an_end_is_not_waited_for_forever(self) -> None:
        assert PlainHeads().split(HEAD[:30]) == "more"
        assert PlainHeads().split(HEAD[:30] + b"a" * 9000) == "other"
        assert PlainHeads().split(HEAD.replace(b": 2", b": 2000000")) == "other"
