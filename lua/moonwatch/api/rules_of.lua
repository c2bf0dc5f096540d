--- rules_of.lua - the rules of one word that the engine runs, for answers about checks, SLOs, canaries, ...
local answer = require "moonwatch.api.answer"
local did_you_mean = require "moonwatch.did_you_mean"

local M = {}

--- The runners of WORD, in the order of the engine.
function M.list(engine, word)
  local out = {}
  for _, runner in ipairs(engine.runners) do
    if runner.rule.word == word then out[#out + 1] = runner end
  end
  return out
end

--- A list for JSON with what ROW(engine, runner, now) makes of each runner of WORD.
function M.rows(engine, word, row, now)
  local out = engine.host.json.array {}
  for i, runner in ipairs(M.list(engine, word)) do out[i] = row(engine, runner, now) end
  return out
end

--- The end of a refusal: which of WORD was probably meant by NAME.
function M.near(engine, word, name)
  local names = {}
  for i, runner in ipairs(M.list(engine, word)) do names[i] = runner.rule.name end
  return did_you_mean(engine.host, name, names)
end

--- The runner of WORD called NAME; nil, the answer 404, which calls it WHAT.
function M.find(engine, word, name, what)
  local runner = engine.by_id[word .. "/" .. name]
  if runner then return runner end
  return nil, answer.problem(engine.host, 404, "not_found", ("there is no %s %q%s"):format(what or word, name, M.near(engine, word, name)))
end

return M
