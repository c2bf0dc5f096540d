--- kinds.lua - the receiver kinds: what may stand inside `receiver "name" { ... }`.
local chat = require "moonwatch.words.kinds_chat"
local incident = require "moonwatch.words.kinds_incident"

local K = {}

for _, kinds in ipairs { incident, chat } do
  for name, def in pairs(kinds) do K[name] = def end
end

for name, kind in pairs(require "moonwatch.words.kinds_mail") do K[name] = kind end

local ABSENT = {
  teams = "a card in Microsoft Teams", discord = "a message in Discord", telegram = "a message in Telegram",
}
for name, help in pairs(ABSENT) do K[name] = { absent = true, help = help, fields = {} } end

return K
