-- Manifests: what they may say, and what is said of those that are wrong.

--# Any YAML file under the app's folder with `namespace` and `entries` (usually `_index.yaml`; `version: "1.0"` optional).
return function()
  local events = process.events()
  for _, entry in { "app:near", "deep.down:far", "other:yml" } do
    assert(process.spawn_monitored(entry, "app:processes"))
    local event = events:receive()
    assert(event.result == entry, tostring(event.error))
  end
  assert(process.spawn("other:yml", "deep.down:host"))
end
--@ manifest
--[[
namespace: app
entries:
  - name: processes
    kind: process.host
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: near
    kind: process.lua
    source: file://near.lua
]]
--@ file:near.lua
return function() return process.id() end
--@ file:deep/down/any-name.yaml
--[[
version: "1.0"
namespace: deep.down
entries:
  - name: host
    kind: process.host
  - name: far
    kind: process.lua
    source: file://far.lua
    meta: {comment: "anything", nested: {list: [1, 2]}}
]]
--@ file:deep/down/far.lua
return function() return process.id() end
--@ file:other.yaml
--[[
namespace: other
entries:
  - name: yml
    kind: process.lua
    source: file://deep/down/far.lua
]]
--@ file:not-a-manifest.yaml
--[[
just: data
]]

--# An entry has `name`, `kind`, `meta`, and by kind
--: title an entry without a kind
--: exit 2
--: stderr-has _index.yaml:7
--: stderr-has nameless
return function() end
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua

  - name: nameless
    source: file://main.lua
]]

--# `process.lua`: `source: file://x.lua` (relative to the YAML, never outside the app's folder), `method`, `modules: [..]`, `imports: {alias: ns:name}`.
--: title a source outside of the app's folder
--: exit 2
--: stderr-has _index.yaml:5
--: stderr-has ../outside.lua
return function() end
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://../outside.lua
]]

--# `process.lua`: `source: file://x.lua` (relative to the YAML, never outside the app's folder), `method`, `modules: [..]`, `imports: {alias: ns:name}`.
--: title a source that does not exist
--: exit 2
--: stderr-has _index.yaml:5
--: stderr-has missing.lua
return function() end
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://missing.lua
]]

--# `library.lua`: the same; what it returns is what `require(alias)` gives.
return function()
  assert(text == "just text" and require("text") == text)
  assert(outer.inner == "inner", "a library has imports of its own")
  assert(inner == nil and not pcall(require, "inner"), "which are not its user's")
  assert(require("outer") == require("outer"))
end
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
    imports: {text: app:text, outer: app:outer}
  - name: processes
    kind: process.host
  - name: text
    kind: library.lua
    source: file://text.lua
  - name: outer
    kind: library.lua
    source: file://outer.lua
    imports: {inner: app:inner}
  - name: inner
    kind: library.lua
    source: file://inner.lua
]]
--@ file:text.lua
return "just text"
--@ file:outer.lua
return { inner = require("inner").name }
--@ file:inner.lua
return { name = "inner" }

--# `process.host`: `host:` with `max_processes`
--: title hosts have names and limits of their own
return function()
  local pid = assert(process.spawn("app:child", "app:one"))
  assert(string.find(pid, "{app:one|", 1, true))
  local second, err = process.spawn("app:child", "app:one")
  assert(second == nil and err:kind() == errors.RATE_LIMITED, tostring(err))
  assert(process.spawn("app:child", "app:two"))
end
--@ child
return function() process.inbox():receive() end
--@ entries
--[[
- name: one
  kind: process.host
  host: {max_processes: 1}
  lifecycle: {auto_start: true}
- name: two
  kind: process.host
]]

--# An unknown kind is reported once and skipped.
--: stderr-once http.gateway
return function()
  local pid, err = process.spawn("app:gateway", "app:processes")
  assert(pid == nil and err ~= nil)
  print("runs")
end
--@ entries
--[[
- name: gateway
  kind: http.gateway
  addr: ":8080"
- name: second
  kind: http.gateway
  anything: {goes: [here]}
]]
--@ stdout
-- runs

--# An invalid file, a duplicate id, an import that does not exist: an error that shows file, line and the offending text; nothing is started.
--: title a YAML file that does not parse
--: exit 2
--: stderr-has broken.yaml:3
--: stderr-has entries: [
return function() print("started") end
--@ file:broken.yaml
--[[
namespace: broken

entries: [
]]
--@ stdout

--# An invalid file, a duplicate id, an import that does not exist: an error that shows file, line and the offending text; nothing is started.
--: title a duplicate id in one file
--: exit 2
--: stderr-has _index.yaml:9
--: stderr-has twice
return function() print("started") end
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: twice
    kind: process.host

  - name: twice
    kind: process.host
]]
--@ stdout

--# An invalid file, a duplicate id, an import that does not exist: an error that shows file, line and the offending text; nothing is started.
--: title a duplicate id in two files
--: exit 2
--: stderr-has app:main
--: stderr-has other/_index.yaml:3
return function() print("started") end
--@ file:other/_index.yaml
--[[
namespace: app
entries:
  - name: main
    kind: process.host
]]
--@ stdout

--# An invalid file, a duplicate id, an import that does not exist: an error that shows file, line and the offending text; nothing is started.
--: title an import that does not exist
--: exit 2
--: stderr-has _index.yaml:6
--: stderr-has app:nothing
return function() print("started") end
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
    imports: {util: app:nothing}
]]
--@ stdout

--# An invalid file, a duplicate id, an import that does not exist: an error that shows file, line and the offending text; nothing is started.
--: title an import that is no library
--: exit 2
--: stderr-has _index.yaml:7
--: stderr-has app:host
return function() print("started") end
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
    imports:
      host: app:host
  - name: host
    kind: process.host
]]
--@ stdout

--# An invalid file, a duplicate id, an import that does not exist: an error that shows file, line and the offending text; nothing is started.
--: title a limit of the wrong type
--: exit 2
--: stderr-has _index.yaml:8
--: stderr-has max_processes
return function() print("started") end
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: host
    kind: process.host
    host: {max_processes: many}
]]
--@ stdout

--# `process.service`: `process`, `host`, `input: [..]`, and `lifecycle: {auto_start, start_timeout, stop_timeout, stable_threshold, requires, restart: {initial_delay, max_delay, backoff_factor, jitter, max_attempts}}`.
--: title a service with all its fields, beside a main process
return function() print("main") end
--@ server
return function() print("with an entry to run, no service is started") end
--@ entries
--[[
- name: first
  kind: process.service
  process: app:server
  host: app:processes
  input: [1, two, {three: 3}]
  lifecycle:
    auto_start: true
    start_timeout: 5s
    stop_timeout: 1s
    stable_threshold: 1m
    requires: [app:second]
    restart: {initial_delay: 10ms, max_delay: 1s, backoff_factor: 1.5, jitter: 0.2, max_attempts: 3}
- {name: second, kind: process.service, process: app:server, host: app:processes}
]]
--@ stdout
-- main
