--- browser.lua - a real Chromium that does what a person does: goes to a page, types, presses, reads.
--
-- It is spoken to by the DevTools protocol: JSON over a WebSocket (RFC 6455), of which a client needs little.  Nothing here
-- waits for a fixed time; what is not there yet is looked for again.
local json = require "dkjson"
local net = require "net"
local proc = require "proc"
local socket = require "socket"

local M = {}
local Browser = {}
Browser.__index = Browser

local PROGRAM = "chromium"
local SLOW = 60 -- seconds in which a page of a machine under load shows what it is to show

function M.is_there() return os.execute(("command -v %s >/dev/null"):format(PROGRAM)) == 0 end

-- -- WebSocket ---------------------------------------------------------------------

local function connect(port, path)
  local s = assert(socket.connect("127.0.0.1", port))
  s:settimeout(SLOW)
  assert(s:send(("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ..
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"):format(path, port)))
  assert(assert(s:receive "*l"):find " 101 ")
  repeat local line = assert(s:receive "*l") until line == ""
  return s
end

-- N as BYTES bytes, the greatest first.
local function number(n, bytes)
  local out = {}
  for i = bytes, 1, -1 do out[i], n = string.char(n % 256), math.floor(n / 256) end
  return table.concat(out)
end

-- One text; the mask that clients must use is nothing but zeros.
local function send(s, text)
  local n = #text
  local size = n < 126 and string.char(128 + n) or n < 65536 and string.char(254) .. number(n, 2) or string.char(255) .. number(n, 8)
  assert(s:send("\129" .. size .. "\0\0\0\0" .. text))
end

local function receive(s)
  local parts = {}
  repeat
    local first, n = assert(s:receive(2)):byte(1, 2)
    if n >= 126 then
      local bytes = assert(s:receive(n == 126 and 2 or 8))
      n = 0
      for i = 1, #bytes do n = n * 256 + bytes:byte(i) end
    end
    parts[#parts + 1] = n > 0 and assert(s:receive(n)) or ""
  until first >= 128
  return table.concat(parts)
end

-- -- the browser -------------------------------------------------------------------

--- One with an empty page.
function M.start()
  local dir = proc.scratch()
  local self = setmetatable({ id = 0 }, Browser)
  self.proc = proc.spawn { PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1200,2000", "--lang=en-US",
    "--user-data-dir=" .. dir, "--remote-debugging-port=0", "about:blank" }
  self.port = proc.eventually(function()
    assert(self.proc:alive(), "the browser ended: " .. self.proc:output())
    return tonumber(proc.read(dir .. "/DevToolsActivePort"):match "^(%d+)\n")
  end, SLOW, "the browser listens")
  local page = proc.eventually(function()
    for _, target in ipairs(net.json(("http://127.0.0.1:%d/json/list"):format(self.port))) do
      if target.type == "page" then return target end
    end
  end, SLOW, "there is a page")
  self.socket = connect(self.port, page.webSocketDebuggerUrl:match "^ws://[^/]+(/.*)$")
  return self
end

function Browser:ask(method, params)
  self.id = self.id + 1
  send(self.socket, json.encode { id = self.id, method = method, params = params and next(params) and params or nil })
  repeat
    local answer = json.decode(receive(self.socket))
    if answer.id == self.id then return assert(answer.result, answer.error and answer.error.message) end
  until false
end

--- The value of the JavaScript EXPRESSION; an error when it throws.
function Browser:value(expression)
  local answer = self:ask("Runtime.evaluate", { expression = expression, returnByValue = true, awaitPromise = true, userGesture = true })
  local wrong = answer.exceptionDetails
  if wrong then error(wrong.exception and wrong.exception.description or wrong.text, 2) end
  return answer.result.value
end

function Browser:go(url) self:ask("Page.navigate", { url = url }) end

-- The texts and the page that a failure shows.
local function lost(self, what, err)
  local ok, text = pcall(self.value, self, "location.hash + '\\n' + document.body.innerText")
  error(("%s: %s\nThe page:\n%s"):format(what, tostring(err), ok and tostring(text) or "cannot be read"), 3)
end

--- Wait until EXPRESSION is true; its value.
function Browser:wait(expression, what)
  local ok, value = pcall(proc.eventually, function()
    local v = self:value(expression)
    return v ~= json.null and v
  end, SLOW, what or expression)
  if not ok then lost(self, what or expression, value) end
  return value
end

--- Wait until the page says TEXT.
function Browser:see(text)
  return self:wait(("document.body && document.body.innerText.includes(%s)"):format(json.encode(text)), "the page says " .. text)
end

--- Wait until the page does not say TEXT any more.
function Browser:see_no(text)
  return self:wait(("document.body && !document.body.innerText.includes(%s)"):format(json.encode(text)), "the page does not say " .. text)
end

-- What people find: a button or link by its text (in the part of the page that SELECTOR names), a field by its name for screen readers.
local FIND = [[(() => {
  const within = %s ? [...document.querySelectorAll(%s)] : [document.body];
  const all = within.flatMap((part) => [...part.querySelectorAll("button, a, summary")]);
  const found = all.find((e) => e.innerText.trim() === %s && e.checkVisibility());
  if (found) found.click();
  return !!found; })()]]

local FIELD = [[(() => {
  const shown = (e) => e.checkVisibility();
  const own = (e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join("").trim();
  const label = [...document.querySelectorAll("label")].find((l) => own(l) === %s && shown(l));
  const field = [...document.querySelectorAll("[aria-label]")].find((e) => e.getAttribute("aria-label") === %s && shown(e)) || label && label.control;
  if (!field) return false;
  %s
  return true; })()]]

--- Press the button or link that says TEXT; the first one in SELECTOR, where that is given.
function Browser:press(text, selector)
  local where = selector and json.encode(selector) or "null"
  self:wait(FIND:format(where, where, json.encode(text)), "there is something to press that says " .. text)
end

local function field(self, name, act)
  local says = json.encode(name)
  self:wait(FIELD:format(says, says, act), "there is a field " .. name)
end

--- Type TEXT into the field called NAME, in place of what is there.
function Browser:type(name, text)
  field(self, name, "field.focus(); field.select();")
  self:ask("Input.insertText", { text = text })
end

-- What no keyboard of a headless browser types well: a choice, a date.
local SET = [[const proto = Object.getPrototypeOf(field);
  Object.getOwnPropertyDescriptor(proto, "value").set.call(field, %s);
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));]]

--- Put VALUE into the field called NAME: of a choice, or a date.
function Browser:set(name, value) field(self, name, SET:format(json.encode(value))) end

--- Press the field called NAME: a box to tick.
function Browser:tick(name) field(self, name, "field.click();") end

function Browser:stop()
  self.socket:close()
  self.proc:stop()
end

return M
