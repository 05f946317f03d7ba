;; acme:greeting 2.x: like 1.x, but it can be loud.
;; From 0 to 7: where the call leaves its result; from 8 to 15: the greeting.
(module
  (import "acme:words/salutations@0.4.0" "hello" (func $hello (param i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "{joint}")
  (data (i32.const 24) "{end}")
  (global $free (mut i32) (i32.const 32))

  (func $alloc (export "cabi_realloc")
    (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $free (i32.add (local.get $at) (local.get $size)))
    (block $enough
      (loop $more
        (br_if $enough (i32.le_u (global.get $free) (i32.shl (memory.size) (i32.const 16))))
        (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
      unreachable)
    (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
    (local.get $at))

  ;; What is allocated now follows what was allocated last, so the pieces make one text.
  (func $add (param $from i32) (param $size i32)
    (memory.copy
      (call $alloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $size))
      (local.get $from) (local.get $size)))

  (func (export "acme:greeting/greeter@{version}#greet") (param $name i32) (param $size i32) (param $loud i32) (result i32)
    (call $hello (i32.const 0) (i32.const 0) (i32.const 0))
    (i32.store (i32.const 8) (global.get $free))
    (call $add (i32.load (i32.const 0)) (i32.load (i32.const 4)))
    (call $add (i32.const 16) (i32.const {joint-size}))
    (call $add (local.get $name) (local.get $size))
    (if (local.get $loud) (then (call $add (i32.const 24) (i32.const {end-size}))))
    (i32.store (i32.const 12) (i32.sub (global.get $free) (i32.load (i32.const 8))))
    (i32.const 8))

  ;; All of a call is given back once its result has been read.
  (func (export "cabi_post_acme:greeting/greeter@{version}#greet") (param i32)
    (global.set $free (i32.const 32))))
