"""Greets whom the end of the path names, with the words of the dependency: `/greet/Ada`."""

import asyncio

import wit_world
from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports import greet
from wit_world.imports.wasi_http_types import Fields, Request, Response


class Handler(exports.Handler):
    async def handle(self, request: Request) -> Response:
        name = (request.get_path_with_query() or "").rpartition("/")[2]
        writer, body = wit_world.byte_stream()
        _, trailers = wit_world.result_option_wasi_http_types_fields_wasi_http_types_error_code_future(
            lambda: Ok(None)
        )
        response, _ = Response.new(Fields.from_list([("content-type", b"text/plain")]), body, trailers)
        # The body is written once the answer is on its way.
        asyncio.create_task(write(writer, greet.greet(name).encode()))
        return response


async def write(writer, text: bytes) -> None:
    with writer:
        await writer.write_all(text)
