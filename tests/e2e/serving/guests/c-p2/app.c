// Greets whom the end of the path names, with the words of the dependency: `/greet/Ada`.

#include <stdlib.h>
#include <string.h>

#include "app.h"

void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
    app_string_t path = {NULL, 0};
    wasi_http_types_method_incoming_request_path_with_query(
        wasi_http_types_borrow_incoming_request(request), &path);
    size_t start = path.len;
    while (start > 0 && path.ptr[start - 1] != '/') {
        start--;
    }
    app_string_t name = {malloc(path.len - start + 1), path.len - start}, greeting;
    memcpy(name.ptr, path.ptr + start, name.len);
    acme_hello_greet_greet(&name, &greeting);
    app_string_free(&name);

    wasi_http_types_own_outgoing_response_t response =
        wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
    wasi_http_types_own_outgoing_body_t body;
    wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response), &body);
    wasi_http_types_result_own_outgoing_response_error_code_t answer = {.is_err = false, .val.ok = response};
    wasi_http_types_static_response_outparam_set(out, &answer);

    wasi_http_types_own_output_stream_t stream;
    wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream);
    app_list_u8_t bytes = {greeting.ptr, greeting.len};
    wasi_io_streams_stream_error_t broken;
    wasi_io_streams_method_output_stream_blocking_write_and_flush(
        wasi_io_streams_borrow_output_stream(stream), &bytes, &broken);
    wasi_io_streams_output_stream_drop_own(stream);
    wasi_http_types_error_code_t failed;
    wasi_http_types_static_outgoing_body_finish(body, NULL, &failed);
    app_string_free(&greeting);
    app_string_free(&path);
    wasi_http_types_incoming_request_drop_own(request);
}
