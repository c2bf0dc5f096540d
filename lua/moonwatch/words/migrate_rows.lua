--- migrate_rows.lua - fields of what keeps something over reloads: how another version of it, or another name, goes on with that.
local M = {}

--- The name that a WHAT ("rule", "job") had.
function M.name(what)
  return { "migrate_from", "text", help = ("the name that this %s had: it takes over from it, once, while there is no such %s any more"):format(what, what) }
end

--- For a WHAT with a ctx.state.
function M.state(what)
  return {
    { "version", "count", default = 1, help = "of what it keeps in ctx.state; when it changes, `migrate` is asked, and without one the state is dropped" },
    { "migrate", "fn", help = ("function(old, version): the ctx.state of this version from that of another one, or of the %s in `migrate_from`"):format(what) },
    M.name(what),
  }
end

return M
