--- pipeline.lua - the word `pipeline`: what happens to log records and spans before they are stored.
local did_you_mean = require "moonwatch.did_you_mean"

local KINDS = { "email", "card", "ipv4", "ipv6", "iban", "token" }
local OF = { "logs", "spans" }

local function check_words(list, known, path, what, problem, host)
  for i, word in ipairs(list or {}) do
    local found
    for _, name in ipairs(known) do found = found or name == word end
    if not found then
      local at = { unpack(path) }
      at[#at + 1] = i
      problem(("%q is no %s%s; there are %s"):format(word, what, host and did_you_mean(host, word, known) or "", table.concat(known, ", ")), at)
    end
  end
end

-- Records have no metric names; the name of a span is `name`.
local function check_selectors(list, path, problem)
  for _, selector in ipairs(list or {}) do
    for _, m in ipairs(selector) do
      if m.name == "__name__" then problem("a record has no metric name: write {service=\"api\"}", path) end
    end
  end
end

local function check_names(list, path, problem)
  for i, name in ipairs(list or {}) do
    if name == "" or name == "*" or name:sub(1, -2):find("*", 1, true) then
      problem(("%q: a name of a field, which may end in *"):format(name), { path[1], path[2] or i, path[2] and i or nil })
    end
  end
end

return {
  word = "pipeline", shape = "named",
  help = "Log records and spans on their way in, before anything is stored, indexed or shown: drop some, remove, rename and set fields, " ..
         "replace personal data and secrets. Pipelines do their work in the order in which they are declared, file by file in order of names; a record passes each " ..
         "that is about it. In one pipeline: `match`, `drop`, then `remove`, `rename`, `set`, and `redact` at the end.",
  example = [[
pipeline "personal-data" {
  redact = {
    fields = { "user.email", "password", "http.request.header.*" },
    patterns = { "email", "card", "iban", "token" },
  },
}

pipeline "noise" {
  of = "logs", match = '{service="api"}',
  drop = { '{level="debug"}', '{message=~".*GET /healthz.*"}' },
}]],
  fields = {
    { "of", "texts", default = { "logs", "spans" }, help = '"logs", "spans", or both' },
    { "match", "selectors", help = "which records; default all. Names are labels of the stream, level, message, fields (_ stands for . and -); " ..
      "of spans: service, name, kind, status, scope, attributes, those of the resource" },
    { "drop", "selectors", help = "of these, those that are not stored" },
    { "remove", "texts", default = {}, help = "fields that are left out, of spans also of their resource, events and links; a name is also that of a dotted name's end, and may end in *" },
    { "rename", "text_map", default = {}, help = "fields that are called otherwise: { old = \"new\" }" },
    { "set", "text_map", default = {}, help = "fields and their texts" },
    { "redact", "table", help = "what is replaced: in messages, fields, labels, names and events of spans, resources", fields = {
      { "fields", "texts", default = {}, help = "names of fields whose whole value is replaced, also in texts that are JSON, have some in them, or have key=value, key: value; " ..
        '"email" is "user.email", too, and "http.request.header.*" what begins so; upper and lower case are the same, and so are ".", "_" and "-"' },
      { "patterns", "texts", default = {}, help = "what is found in any text: " .. table.concat(KINDS, ", ") .. "; cards by issuer and check digit (Luhn), IBANs by country and check digits" },
      { "regex", "finds", default = {}, help = "and what these regular expressions find" },
      { "with", "text", default = "***", help = "what takes the place" },
      { "hash", "secret", help = "in its place: a keyed hash under this salt, email:1f3a5b7c9d0e2f46, so that the same value stays recognisable and nobody can try out values" } } },
  },
  after = function(fields, problem, env)
    local host, redact = env and env.host, fields.redact or {}
    check_words(fields.of, OF, { "of" }, "kind of record", problem, host)
    check_words(redact.patterns, KINDS, { "redact", "patterns" }, "pattern", problem, host)
    check_selectors(fields.match, { "match" }, problem)
    check_selectors(fields.drop, { "drop" }, problem)
    check_names(fields.remove, { "remove" }, problem)
    check_names(redact.fields, { "redact", "fields" }, problem)
    for _, map in ipairs { "rename", "set" } do
      for name, value in pairs(fields[map] or {}) do
        if type(value) ~= "string" then problem(("%s: a secret would be stored with every record"):format(name), { map, name }) end
      end
    end
    if fields.redact and #redact.fields + #redact.patterns + #redact.regex == 0 then
      problem("says nothing: give fields, patterns or regex", { "redact" })
    end
    if not fields.redact and not fields.drop and #fields.remove == 0 and not next(fields.rename) and not next(fields.set) then
      problem("does nothing: give drop, remove, rename, set or redact", {})
    end
  end,
}
