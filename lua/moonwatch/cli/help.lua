--- help.lua - `moonwatch help [WORD]`: the commands, or the fields of a word, from the tables that check them.
local annotations = require "moonwatch.words.annotations"
local client = require "moonwatch.cli.client"
local did_you_mean = require "moonwatch.did_you_mean"
local doc = require "moonwatch.words.doc"

local M = {}

M.usage = "help [COMMAND|WORD|ctx] [--markdown | --lua-library | --lua-objects]"
M.help = "the commands; or one of them; or the fields of a word of the rule language"

local function list(ctx, cli)
  ctx.out "moonwatch COMMAND ...\n\n"
  local rows = {}
  for i, row in ipairs(cli.commands) do rows[i] = { "  " .. row[1], cli.command(row[1]).help } end
  ctx.out(client.columns(rows))
  ctx.out "\nCommands that ask a server take --url (default $MOONWATCH_URL, else http://127.0.0.1:9490) and --token ($MOONWATCH_TOKEN).\n"
  ctx.out(("Words of the rule language, `moonwatch help WORD`: %s\n"):format(table.concat(doc.names(), " ")))
  ctx.out(("Receiver kinds: %s\n"):format(table.concat(doc.kind_names(), " ")))
  ctx.out "What functions are given and may call: `moonwatch help ctx`, `moonwatch help functions`; texts with ${...}: `moonwatch help texts`\n"
  return 0
end

function M.main(ctx, argv)
  local cli = require "moonwatch.cli"
  local options, rest = client.parse(argv, { markdown = "switch", ["lua-library"] = "switch", ["lua-objects"] = "switch" })
  if not options or #rest > 1 then return client.misused(ctx, M, options and "help takes one name" or rest) end
  if options.markdown then
    ctx.out(doc.markdown())
    return 0
  end
  if options["lua-library"] then
    ctx.out(annotations.library())
    return 0
  end
  if options["lua-objects"] then
    ctx.out(annotations.objects())
    return 0
  end
  local name = rest[1]
  if not name then return list(ctx, cli) end
  local found = false
  local command = cli.command(name)
  if command then
    ctx.out(("moonwatch %s\n  %s\n"):format(command.usage, command.help))
    if command.details then ctx.out("\n" .. command.details .. "\n") end
    found = true
  end
  local text = doc.text(name)
  if text then
    ctx.out((found and "\n" or "") .. text)
    found = true
  end
  if not found then
    ctx.err(("moonwatch: there is neither a command nor a word %q%s\n"):format(name, did_you_mean(ctx.host, name, doc.topics(cli.commands))))
  end
  return found and 0 or 1
end

return M
