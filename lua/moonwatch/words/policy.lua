--- policy.lua - the word `policy`: what people may do is decided by a function.
local SUBJECTS = { silence = true }

return {
  word = "policy", shape = "named",
  help = "Functions that are asked before a silence is made or changed, whoever asks for it and by which door. Each gives true, or false " ..
         "and why not, or the silence with changes. They run in the sandbox, one after the other; the first no counts.",
  example = [[
policy "silence" (function(s, who)
  if s.seconds > 7 * 86400 then return false, "seven days at most" end
  if s.comment == "" then return false, "say why" end
  return true
end)]],
  items = { says = "function(s, who) ... end", fn = true, least = 1,
            fn_type = "(fun(s: table, who: table, ctx: moonwatch.ctx): boolean|table, string?)" },
  fields = {
    { "on_failure", "text", default = "refuse", choices = { "refuse", "allow" }, help = "when a function fails or gives no answer in time" },
    { "timeout", "interval", default = "5s", help = "how long all of them may take together" },
  },
  check_name = function(name)
    if not SUBJECTS[name] then return ('there is no policy about %q; write policy "silence"'):format(name) end
  end,
}
