// Greets whom the end of the path names, with the words of the dependency: `/greet/Ada`.
//
// The body is written after the answer was given: first its bytes, then what comes instead of trailers.

#include <stdlib.h>
#include <string.h>

#include "app.h"

typedef struct {
    app_string_t greeting;
    wasi_http_types_stream_u8_writer_t body;
    wasi_http_types_future_result_option_own_trailers_error_code_writer_t trailers;
    app_waitable_set_t set;
} call_t;

static const wasi_http_types_result_option_own_trailers_error_code_t no_trailers = {.is_err = false};

static app_callback_code_t wait_for(call_t *call, uint32_t waitable) {
    call->set = app_waitable_set_new();
    app_waitable_join(waitable, call->set);
    return APP_CALLBACK_CODE_WAIT(call->set);
}

static app_callback_code_t finished(call_t *call) {
    wasi_http_types_future_result_option_own_trailers_error_code_drop_writable(call->trailers);
    app_string_free(&call->greeting);
    free(call);
    return APP_CALLBACK_CODE_EXIT;
}

static app_callback_code_t written(call_t *call) {
    wasi_http_types_stream_u8_drop_writable(call->body);
    app_waitable_status_t status =
        wasi_http_types_future_result_option_own_trailers_error_code_write(call->trailers, &no_trailers);
    return status == APP_WAITABLE_STATUS_BLOCKED ? wait_for(call, call->trailers) : finished(call);
}

app_callback_code_t exports_wasi_http_handler_handle(exports_wasi_http_handler_own_request_t request) {
    call_t *call = calloc(1, sizeof *call);
    if (call == NULL) {
        abort();
    }
    app_context_set_0(call);
    app_string_t path = {NULL, 0};
    wasi_http_types_method_request_get_path_with_query(wasi_http_types_borrow_request(request), &path);
    size_t start = path.len;
    while (start > 0 && path.ptr[start - 1] != '/') {
        start--;
    }
    app_string_t name = {malloc(path.len - start + 1), path.len - start};
    memcpy(name.ptr, path.ptr + start, name.len);
    acme_hello_greet_greet(&name, &call->greeting);
    app_string_free(&name);
    app_string_free(&path);
    wasi_http_types_request_drop_own(request);

    wasi_http_types_stream_u8_t body = wasi_http_types_stream_u8_new(&call->body);
    wasi_http_types_future_result_option_own_trailers_error_code_t trailers =
        wasi_http_types_future_result_option_own_trailers_error_code_new(&call->trailers);
    wasi_http_types_tuple2_own_response_future_result_void_error_code_t made;
    wasi_http_types_static_response_new(wasi_http_types_constructor_fields(), &body, trailers, &made);
    wasi_http_types_future_result_void_error_code_drop_readable(made.f1);
    exports_wasi_http_handler_result_own_response_error_code_t ret = {.is_err = false, .val.ok = made.f0};
    exports_wasi_http_handler_handle_return(ret);

    // All of it is taken at once, or by and by; a client that went away takes nothing, which ends it as well.
    app_waitable_status_t status =
        wasi_http_types_stream_u8_write(call->body, call->greeting.ptr, call->greeting.len);
    return status == APP_WAITABLE_STATUS_BLOCKED ? wait_for(call, call->body) : written(call);
}

app_callback_code_t exports_wasi_http_handler_handle_callback(app_event_t *event) {
    call_t *call = app_context_get_0();
    app_waitable_join(event->waitable, 0);
    app_waitable_set_drop(call->set);
    return event->event == APP_EVENT_STREAM_WRITE ? written(call) : finished(call);
}
