--- pipeline_types.lua - types of fields that pipelines brought: each as those of types.lua.
local search = require("moonwatch.words.check_types").search

local T = {}

--- What is looked for anywhere in a text, and replaced.
T.finds = {
  says = "a regular expression, or a list of them",
  check = function(v, env)
    local list = type(v) == "string" and { v } or v
    if type(list) ~= "table" or list["@fn"] or list["@secret"] or next(list) ~= nil and #list == 0 then return nil end
    for i, item in ipairs(list) do
      local ok, why = search.check(item, env)
      if not ok then return nil, ("item %d: %s"):format(i, why or "expected a text") end
      if env.host.regex(item):match "" then return nil, ("item %d: %q fits nothing at all, too: it would be everywhere"):format(i, item) end
    end
    return list
  end,
}

return T
