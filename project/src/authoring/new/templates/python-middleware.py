"""The middleware `__PACKAGE__`: it adds a header to every response.

Python's event loop needs the clocks and random numbers of the host, and with them comes all else that Python itself could
use, such as files and the environment. None of it has to be granted: what is denied, Python does without.
"""

import wit_world
from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports import handler
from wit_world.imports.wasi_http_types import Request, Response


class Handler(exports.Handler):
    async def handle(self, request: Request) -> Response:
        response = await handler.handle(request)
        status = response.get_status_code()
        # The headers of a response that came in cannot be changed: the answer is a new one around the same body.
        headers = response.get_headers().clone()
        headers.append("x-middleware", b"__PACKAGE__")
        _, received = wit_world.result_unit_wasi_http_types_error_code_future(lambda: Ok(None))
        body, trailers = Response.consume_body(response, received)
        answer, _ = Response.new(headers, body, trailers)
        answer.set_status_code(status)
        return answer
