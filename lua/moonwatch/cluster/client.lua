--- client.lua - how the commands about the cluster speak with a server.
local M = {}

local function message(ctx, reply)
  local body = ctx.host.json.decode(reply.body or "")
  local err = type(body) == "table" and body.error
  if type(err) == "table" then return err.message, body end
  return ("%s answers %d"):format(ctx.url, reply.status), body
end

--- The decoded answer, or nil after saying on stderr why there is none. PATH is below /api/mw/v1.
function M.ask(ctx, method, path, value)
  local reply = ctx.host.call("http", {
    url = ctx.url:gsub("/+$", "") .. "/api/mw/v1" .. path, method = method, timeout = 30, max_body = 64 * 1024 * 1024,
    headers = {
      ["content-type"] = value and "application/json" or nil,
      authorization = ctx.token and "Bearer " .. ctx.token or nil,
    },
    body = value and ctx.host.json.encode(value) or nil,
  })
  if reply.error then
    ctx.err(("cannot ask %s: %s\n"):format(ctx.url, reply.error))
    return nil
  end
  if reply.status == 200 then return ctx.host.json.decode(reply.body) end
  local text, body = message(ctx, reply)
  for _, problem in ipairs(type(body) == "table" and body.problems or {}) do ctx.err(problem .. "\n") end
  ctx.err(text .. "\n")
  return nil
end

--- ROWS (lists of texts) in columns as wide as their widest text.
function M.columns(rows)
  local wide, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, text in ipairs(row) do wide[i] = math.max(wide[i] or 0, #text) end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for i, text in ipairs(row) do cells[i] = text .. (" "):rep(wide[i] - #text) end
    lines[#lines + 1] = (table.concat(cells, "  "):gsub("%s+$", "")) .. "\n"
  end
  return table.concat(lines)
end

return M
