--- pipeline_fields_spec.lua - fields of a pipeline that make no sense, and what a person hears who wrote them.
local refused = require "refused"

local function problems(fields) return refused.problems(('pipeline "p" { %s }'):format(fields), 'pipeline "p": ') end

local REFUSED = {
  { "", "does nothing: give drop, remove, rename, set or redact" },
  { "redact = {}", "says nothing: give fields, patterns or regex" },
  { 'redact = { patterns = "emial" }', '"emial" is no pattern (did you mean "email"?)' },
  { 'redact = { fields = { "a*b" } }', '"a*b": a name of a field, which may end in *' },
  { 'redact = { fields = { "*" } }', '"*": a name of a field' },
  { 'redact = { regex = "(" }', "redact.regex: item 1: bad regular expression" },
  { 'redact = { regex = "x*" }', 'redact.regex: item 1: "x*" fits nothing at all, too' },
  { 'redact = { patterns = "email", salt = "x" }', 'unknown field "redact.salt"' },
  { 'of = "metrics", drop = \'{level="debug"}\'', '"metrics" is no kind of record; there are logs, spans' },
  { "drop = 'up{level=\"debug\"}'", 'a record has no metric name: write {service="api"}' },
  { 'drop = "{"', "drop: bad selector" },
  { 'set = { a = secret "X" }', "a: a secret would be stored with every record" },
}

describe("fields of a pipeline that make no sense", function()
  refused.each(it, REFUSED, problems)
end)

describe("fields of a pipeline that make sense", function()
  for _, fields in ipairs {
    'redact = { fields = { "user.email", "http.request.header.*" }, patterns = { "email", "card" }, hash = secret "SALT" }',
    'of = "spans", match = \'{service="api", status="error"}\', remove = "db.statement", rename = { usr = "user" }, set = { env = "prod" }',
    'of = { "logs" }, drop = { \'{level="debug"}\', \'{message=~".*healthz.*"}\' }', 'redact = { regex = { "EMP-[0-9]+" }, with = "" }',
  } do
    it("are taken: " .. fields, function() assert.same({}, problems(fields)) end)
  end
end)
