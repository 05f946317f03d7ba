;; The app: it answers `GET /hello/NAME` with what `acme:greeting` says to NAME.
;;
;; It is the core module of the component `greeter.wasm`; its types are in `wit/`. Both files are made into the
;; component, and so are those of the registry beside it, by `cargo run -p spin-deps-fixtures --bin write-examples`.
(module
  (import "acme:greeting/greeter@1.1.0" "greet" (func $greet (param i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.0" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]incoming-request.path-with-query" (func $path (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[resource-drop]incoming-request" (func $drop-request (param i32)))
  (import "wasi:http/types@0.2.0" "[constructor]outgoing-response" (func $response (param i32) (result i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-response.body" (func $body (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[method]outgoing-body.write" (func $writer (param i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.0" "[static]response-outparam.set"
    (func $respond (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-writer (param i32)))

  ;; From 0 to 63: where calls leave their results.
  (memory (export "memory") 1)
  (data (i32.const 64) "content-type")
  (data (i32.const 80) "text/plain; charset=utf-8")
  (data (i32.const 112) "\n")
  (global $free (mut i32) (i32.const 128))

  ;; An instance answers one request, so nothing is ever given back.
  (func (export "cabi_realloc")
    (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (block $enough
      (loop $more
        (br_if $enough (i32.le_u (global.get $free) (i32.shl (memory.size) (i32.const 16))))
        (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
      unreachable)
    (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
    (local.get $at))

  ;; Writes a text in pieces of the size that a blocking write takes.
  (func $write-all (param $stream i32) (param $at i32) (param $size i32)
    (local $piece i32)
    (block $done
      (loop $more
        (br_if $done (i32.eqz (local.get $size)))
        (local.set $piece
          (select (i32.const 4096) (local.get $size) (i32.gt_u (local.get $size) (i32.const 4096))))
        (call $write (local.get $stream) (local.get $at) (local.get $piece) (i32.const 0))
        (br_if $done (i32.load8_u (i32.const 0)))
        (local.set $at (i32.add (local.get $at) (local.get $piece)))
        (local.set $size (i32.sub (local.get $size) (local.get $piece)))
        (br $more))))

  (func (export "wasi:http/incoming-handler@0.2.0#handle") (param $request i32) (param $out i32)
    (local $name i32) (local $end i32) (local $at i32) (local $byte i32)
    (local $greeting i32) (local $size i32) (local $headers i32) (local $answer i32) (local $out-body i32)
    (local $stream i32)

    ;; The name is what stands between the last slash of the path and the query.
    (call $path (local.get $request) (i32.const 0))
    (if (i32.load8_u (i32.const 0))
      (then
        (local.set $at (i32.load (i32.const 4)))
        (local.set $name (local.get $at))
        (local.set $end (i32.add (local.get $at) (i32.load (i32.const 8))))
        (block $found
          (loop $next
            (br_if $found (i32.eq (local.get $at) (local.get $end)))
            (local.set $byte (i32.load8_u (local.get $at)))
            (if (i32.eq (local.get $byte) (i32.const 63)) ;; ?
              (then (local.set $end (local.get $at)) (br $found)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (if (i32.eq (local.get $byte) (i32.const 47)) ;; /
              (then (local.set $name (local.get $at))))
            (br $next)))))
    (call $drop-request (local.get $request))
    (call $greet (local.get $name) (i32.sub (local.get $end) (local.get $name)) (i32.const 0))
    (local.set $greeting (i32.load (i32.const 0)))
    (local.set $size (i32.load (i32.const 4)))

    (local.set $headers (call $fields))
    (call $append (local.get $headers)
      (i32.const 64) (i32.const 12) (i32.const 80) (i32.const 25) (i32.const 0))
    (local.set $answer (call $response (local.get $headers)))
    (call $body (local.get $answer) (i32.const 0))
    (local.set $out-body (i32.load (i32.const 4)))
    (call $respond (local.get $out) (i32.const 0) (local.get $answer)
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (call $writer (local.get $out-body) (i32.const 0))
    (local.set $stream (i32.load (i32.const 4)))
    (call $write-all (local.get $stream) (local.get $greeting) (local.get $size))
    (call $write-all (local.get $stream) (i32.const 112) (i32.const 1))
    (call $drop-writer (local.get $stream))
    (call $finish (local.get $out-body) (i32.const 0) (i32.const 0) (i32.const 0))))
