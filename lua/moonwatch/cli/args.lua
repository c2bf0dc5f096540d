--- args.lua - the arguments of a command: options and the rest.
local M = {}

-- How a kind of option takes the text that came with it.
local take = {
  value = function(options, name, value) options[name] = value end,
  list = function(options, name, value)
    options[name] = options[name] or {}
    table.insert(options[name], value)
  end,
}

--- ARGV by FLAGS (name -> "value", "list" or "switch"; "o" is written -o) -> options and the rest; nil, message.
-- "--" ends the options; what follows a "-" and a digit (-1h, -5) is no option.
function M.parse(argv, flags)
  local options, rest, i = {}, {}, 1
  while i <= #argv do
    local word = argv[i]
    local name, equals, value = word:match "^%-%-?(%a[%w%-]*)(=?)(.*)$"
    if word == "--" then
      for k = i + 1, #argv do rest[#rest + 1] = argv[k] end
      return options, rest
    elseif not name then
      rest[#rest + 1] = word
    elseif flags[name] == "switch" then
      options[name] = true
    elseif flags[name] then
      if equals == "" then
        i = i + 1
        value = argv[i]
      end
      if value == nil then return nil, ("%s needs a value"):format(word) end
      take[flags[name]](options, name, value)
    else
      return nil, ("unknown option %s"):format(word)
    end
    i = i + 1
  end
  return options, rest
end

return M
