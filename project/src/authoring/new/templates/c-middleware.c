// The middleware `__PACKAGE__`: it adds a header to every response.
//
// Nothing here waits: while the handler behind it works, other requests are served. So each request has a state of
// its own, and the function `..._callback` is called when what it waits for has come.

#include <stdlib.h>

#include "middleware.h"

typedef wasi_http_types_future_result_void_error_code_writer_t received_t;

typedef struct {
    wasi_http_handler_result_own_response_error_code_t answer;
    middleware_waitable_set_t set;
} call_t;

// What is said of the body of every response that was taken over.
static const wasi_http_types_result_void_error_code_t all_is_well = {.is_err = false};

static middleware_callback_code_t wait_for(call_t *call, uint32_t waitable) {
    call->set = middleware_waitable_set_new();
    middleware_waitable_join(waitable, call->set);
    return MIDDLEWARE_CALLBACK_CODE_WAIT(call->set);
}

static void waited_for(call_t *call, uint32_t waitable) {
    middleware_waitable_join(waitable, 0);
    middleware_waitable_set_drop(call->set);
}

static middleware_callback_code_t finished(call_t *call, received_t received) {
    wasi_http_types_future_result_void_error_code_drop_writable(received);
    free(call);
    return MIDDLEWARE_CALLBACK_CODE_EXIT;
}

// The headers of a response that came in cannot be changed: the answer is a new one around the same body.
static wasi_http_types_own_response_t with_header(wasi_http_types_own_response_t response, received_t *received) {
    static const char name[] = "x-middleware", value[] = "__PACKAGE__";
    wasi_http_types_borrow_response_t given = wasi_http_types_borrow_response(response);
    uint16_t status = wasi_http_types_method_response_get_status_code(given);
    wasi_http_types_own_headers_t old = wasi_http_types_method_response_get_headers(given);
    wasi_http_types_own_fields_t headers = wasi_http_types_method_fields_clone(wasi_http_types_borrow_fields(old));
    wasi_http_types_fields_drop_own(old);

    wasi_http_types_field_name_t field_name = {(uint8_t *)name, sizeof name - 1};
    wasi_http_types_field_value_t field_value = {(uint8_t *)value, sizeof value - 1};
    wasi_http_types_header_error_t error;
    if (!wasi_http_types_method_fields_append(
            wasi_http_types_borrow_fields(headers), &field_name, &field_value, &error)) {
        wasi_http_types_header_error_free(&error);
    }

    wasi_http_types_tuple2_stream_u8_future_result_option_own_trailers_error_code_t body;
    wasi_http_types_static_response_consume_body(
        response, wasi_http_types_future_result_void_error_code_new(received), &body);
    wasi_http_types_tuple2_own_response_future_result_void_error_code_t made;
    wasi_http_types_static_response_new(headers, &body.f0, body.f1, &made);
    wasi_http_types_future_result_void_error_code_drop_readable(made.f1);
    wasi_http_types_method_response_set_status_code(wasi_http_types_borrow_response(made.f0), status);
    return made.f0;
}

static middleware_callback_code_t answered(call_t *call) {
    exports_wasi_http_handler_result_own_response_error_code_t ret = {.is_err = call->answer.is_err};
    if (ret.is_err) {
        ret.val.err = call->answer.val.err;
        exports_wasi_http_handler_handle_return(ret);
        free(call);
        return MIDDLEWARE_CALLBACK_CODE_EXIT;
    }
    received_t received;
    ret.val.ok = with_header(call->answer.val.ok, &received);
    exports_wasi_http_handler_handle_return(ret);
    middleware_waitable_status_t written =
        wasi_http_types_future_result_void_error_code_write(received, &all_is_well);
    if (written == MIDDLEWARE_WAITABLE_STATUS_BLOCKED) {
        return wait_for(call, received);
    }
    return finished(call, received);
}

middleware_callback_code_t exports_wasi_http_handler_handle(exports_wasi_http_handler_own_request_t request) {
    call_t *call = calloc(1, sizeof *call);
    if (call == NULL) {
        abort();
    }
    middleware_context_set_0(call);
    middleware_subtask_status_t status = wasi_http_handler_handle(request, &call->answer);
    if (MIDDLEWARE_SUBTASK_STATE(status) == MIDDLEWARE_SUBTASK_RETURNED) {
        return answered(call);
    }
    return wait_for(call, MIDDLEWARE_SUBTASK_HANDLE(status));
}

middleware_callback_code_t exports_wasi_http_handler_handle_callback(middleware_event_t *event) {
    call_t *call = middleware_context_get_0();
    if (event->event == MIDDLEWARE_EVENT_FUTURE_WRITE) {
        waited_for(call, event->waitable);
        return finished(call, event->waitable);
    }
    if (event->event == MIDDLEWARE_EVENT_SUBTASK && event->code == MIDDLEWARE_SUBTASK_RETURNED) {
        waited_for(call, event->waitable);
        middleware_subtask_drop(event->waitable);
        return answered(call);
    }
    // It has begun, and is not done.
    return MIDDLEWARE_CALLBACK_CODE_WAIT(call->set);
}
