--- alertmanager_spec.lua - beside Debian's real Alertmanager: the same configuration, the same alerts and silences, the same messages.
local am_config = require "am_config"
local am_pair = require "am_pair"
local proc = require "proc"

local SEED = tonumber(os.getenv "SEED") or 1
local WORLDS = tonumber(os.getenv "WORLDS") or 4
local SECONDS = 16
local PATHS = { "/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences" }

-- Lives the worlds of SEED beside each other; what differed, as a text, and how much was told.
local function live()
  local worlds, stories, yamls, looked = {}, {}, {}, {}
  for i = 1, WORLDS do
    local c = am_config.chance(SEED * 100 + i)
    worlds[i] = am_pair.start(function(hook)
      yamls[i] = am_config.config(am_config.chance(SEED * 100 + i), hook)
      return yamls[i]
    end)
    stories[i] = am_config.story(c, SECONDS - 3)
  end
  local until_ = am_pair.live(worlds, stories, SECONDS, function(pair, t, i)
    if (t + i) % 3 ~= 0 then return end
    for _, path in ipairs(PATHS) do
      local peer, ours = pair:seen(path)
      if peer ~= ours then looked[#looked + 1] = ("world %d, second %d: GET %s\n  alertmanager\n    %s\n  we\n    %s"):format(i, t, path, peer, ours) end
    end
  end)
  local found, told = {}, 0
  for i, pair in ipairs(worlds) do
    told = told + #pair.sinks[1].requests
    local list = pair:differences(until_ - 0.6)
    if #list > 0 then found[#found + 1] = ("world %d of seed %d\n%s\n%s"):format(i, SEED, yamls[i], table.concat(list, "\n")) end
    pair:stop()
  end
  for _, line in ipairs(looked) do found[#found + 1] = line end
  return table.concat(found, "\n\n"), told
end

describe("an imported configuration of Alertmanager", function()
  teardown(proc.cleanup)

  -- An alert may end in the very moment in which a group is flushed: which comes first is chance, on either side.  What is a
  -- difference comes again.
  it("tells the same as Alertmanager does, whatever happens", function()
    local different, told
    for _ = 1, 3 do
      different, told = live()
      if different == "" then break end
    end
    assert.equal("", different)
    assert.is_true(told > 20, "too little was told to compare: " .. told)
  end)
end)
