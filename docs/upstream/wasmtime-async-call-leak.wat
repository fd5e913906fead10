;; A caller that makes `n` async-lowered calls, each of which returns at once.
(component
  (component $callee
    (core func $return (canon task.return))
    (core module $m
      (import "" "return" (func $return))
      (func (export "f") (result i32)
        (call $return)
        (i32.const 0)) ;; EXIT
      (func (export "callback") (param i32 i32 i32) (result i32)
        unreachable))
    (core instance $i (instantiate $m
      (with "" (instance (export "return" (func $return))))))
    (func (export "f") async
      (canon lift (core func $i "f") async (callback (core func $i "callback")))))
  (component $caller
    (import "f" (func $f async))
    (core func $lowered (canon lower (func $f) async))
    (core module $m
      (import "" "f" (func $f (result i32)))
      (func (export "run") (param $n i32)
        (loop $again
          (drop (call $f)) ;; RETURNED: there is no subtask to drop.
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $again (local.get $n)))))
    (core instance $i (instantiate $m
      (with "" (instance (export "f" (func $lowered))))))
    (func (export "run") async (param "n" u32)
      (canon lift (core func $i "run"))))
  (instance $a (instantiate $callee))
  (instance $b (instantiate $caller (with "f" (func $a "f"))))
  (export "run" (func $b "run")))
