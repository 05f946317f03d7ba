"""Greets whom the end of the path names, with the words of the dependency: `/greet/Ada`."""

from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports import greet
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        name = (request.path_with_query() or "").rpartition("/")[2]
        response = OutgoingResponse(Fields.from_list([("content-type", b"text/plain")]))
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with body.write() as stream:
            stream.blocking_write_and_flush(greet.greet(name).encode())
        OutgoingBody.finish(body, None)
