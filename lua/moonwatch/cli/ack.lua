--- ack.lua - `moonwatch ack`: "I am on it", "you are on it", "nobody is on it any more", and who is.
local client = require "moonwatch.cli.client"

local M = {}

M.usage = "ack [ALERT [LABEL=VALUE...] [--for D] [--comment C] [--author A] [--to PERSON|oncall:NAME | --undo]]"
M.help = "stop escalation and repeats of an alert until it resolves, or for a while; hand that over; without ALERT: who is on what"

local FLAGS = { ["for"] = "value", comment = "value", author = "value", to = "value", undo = "switch" }

local function list(ctx)
  local answer = client.ask(ctx, "GET", "/api/mw/v1/ack")
  if not answer then return 1 end
  local rows = { { "ID", "WHO", "WHAT", "ALERTS", "SINCE", "UNTIL", "COMMENT" } }
  for _, a in ipairs(answer.acks) do
    local labels = a.labels or {}
    rows[#rows + 1] = { a.id, a.author or "-", (labels.alertname or "-") .. " " .. client.labels(labels), tostring(#a.alerts), a.created,
      a.ends or "resolved", a.comment or "" }
  end
  return client.list(ctx, rows, "nobody has acknowledged anything")
end

--- Take back what covers the alert NAME with LABELS.
function M.undo(ctx, name, labels, author)
  local answer = client.ask(ctx, "POST", "/api/mw/v1/ack/undo", { alert = name, labels = labels, author = author })
  if not answer then return 1 end
  ctx.out(("%s: nobody is on it any more; it rings again\n"):format(name))
  return 0
end

function M.main(ctx, argv)
  local options, rest = client.parse(argv, FLAGS)
  if not options then return client.misused(ctx, M, rest) end
  local name = table.remove(rest, 1)
  if not name then
    if next(options) then return client.misused(ctx, M, "say which alert") end
    return list(ctx)
  end
  local labels, err = client.pairs_of(rest)
  if not labels then return client.misused(ctx, M, err) end
  local author = options.author or ctx.host.env "USER"
  if options.undo then
    if options.to or options["for"] then return client.misused(ctx, M, "--undo goes with neither --to nor --for") end
    return M.undo(ctx, name, labels, author)
  end
  local ack = client.ask(ctx, "POST", "/api/mw/v1/ack", { alert = name, labels = labels, ["for"] = options["for"],
    comment = options.comment, author = author, to = options.to, way = "cli" })
  if not ack then return 1 end
  ctx.out(("%s acknowledged%s: %d firing alert(s), %s\n"):format(name, options.to and " for " .. ack.author or "", #ack.alerts,
    ack.ends and "until " .. ack.ends or "until resolved"))
  return 0
end

return M
