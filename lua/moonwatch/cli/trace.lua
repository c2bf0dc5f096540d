--- trace.lua - `moonwatch trace ID`: one trace as an indented tree.
local client = require "moonwatch.cli.client"

local M = { usage = "trace ID", help = "the spans of one trace, as a tree" }

-- Spans below PARENT, in order of start, each with its depth.
local function walk(children, parent, depth, visit)
  if depth > 100 then return end
  for _, span in ipairs(children[parent] or {}) do
    visit(span, depth)
    walk(children, span.span_id, depth + 1, visit)
  end
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, {})
  if not options or #rest ~= 1 then return client.misused(ctx, M, options and "trace takes one ID" or rest) end
  local found = client.ask(ctx, "GET", "/api/mw/v1/traces/" .. client.escape(rest[1]))
  if not found then return 1 end
  local known, children, start = {}, {}, math.huge
  for _, span in ipairs(found.spans) do
    known[span.span_id] = true
    start = math.min(start, span.start)
  end
  for _, span in ipairs(found.spans) do
    local parent = known[span.parent_id] and span.parent_id or ""
    children[parent] = children[parent] or {}
    table.insert(children[parent], span)
  end
  local rows = { { "AT", "MS", "STATUS", "SPAN" } }
  walk(children, "", 0, function(span, depth)
    rows[#rows + 1] = { ("+%.2f"):format((span.start - start) * 1000), ("%.2f"):format(span.duration * 1000), span.status,
      ("  "):rep(depth) .. span.service .. " " .. span.name }
  end)
  ctx.out(client.columns(rows))
  return 0
end

return M
