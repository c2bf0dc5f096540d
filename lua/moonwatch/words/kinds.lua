--- kinds.lua - the receiver kinds: what may stand inside `receiver "name" { ... }`.
local chat = require "moonwatch.words.kinds_chat"
local incident = require "moonwatch.words.kinds_incident"
local mail = require "moonwatch.words.kinds_mail"

local K = {}

for _, kinds in ipairs { incident, chat, mail } do
  for name, def in pairs(kinds) do K[name] = def end
end

return K
