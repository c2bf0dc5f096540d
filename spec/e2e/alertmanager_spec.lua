--- alertmanager_spec.lua - beside Debian's real Alertmanager: the same configuration, the same alerts and silences, the same messages.
--
-- SEED=7 lives other worlds, SEEDS=5 those of five seeds one after the other, WORLDS=labels,lives only these kinds.
local am_config = require "am_config"
local am_pair = require "am_pair"
local am_story = require "am_story"
local am_worlds = require "am_worlds"
local chance = require "am_chance"
local proc = require "proc"
local trouble = require "am_trouble"

local SEED = tonumber(os.getenv "SEED") or 1
local SEEDS = tonumber(os.getenv "SEEDS") or 1
local SECONDS = 16

-- The kinds that are lived, each with a number of its own for its seeds.
local function kinds()
  local out, wanted = {}, "," .. (os.getenv "WORLDS" or table.concat(am_worlds.kinds, ",")) .. ","
  for i, kind in ipairs(am_worlds.kinds) do
    if wanted:find("," .. kind .. ",", 1, true) then out[#out + 1] = { kind, i } end
  end
  return out
end

-- A world of KIND: both servers, and what will happen.
local function begin(kind, seed)
  local c = chance.new(seed)
  local world = am_worlds.make(kind, c, os.time())
  local yaml
  local pair = am_pair.start(function(hook)
    yaml = yaml or am_config.config(c, world, "%HOOK%")
    return (yaml:gsub("%%HOOK%%", hook))
  end, world.trouble and function() return trouble.answer(world.trouble) end, world.files)
  return { name = ("%s, seed %d"):format(kind, seed), pair = pair, yaml = yaml, trouble = world.trouble, paths = am_worlds.paths(c, world), story = am_story.story(c, world, SECONDS - 3), looked = {} }
end

local function look(world, t)
  for _, path in ipairs(world.paths) do
    local peer, ours = world.pair:seen(path)
    if peer ~= ours then table.insert(world.looked, ("second %d: GET %s\n  alertmanager\n    %s\n  we\n    %s"):format(t, path, peer, ours)) end
  end
end

-- Lives the worlds of SEED beside each other; what differed, as a text, and how much was told.
local function live(seed)
  local worlds, pairs_, stories = {}, {}, {}
  for i, kind in ipairs(kinds()) do
    worlds[i] = begin(kind[1], seed * 100 + kind[2])
    pairs_[i], stories[i] = worlds[i].pair, worlds[i].story
  end
  local until_ = am_pair.live(pairs_, stories, SECONDS, function(_, t, i)
    if (t + i) % 3 == 0 then look(worlds[i], t) end
  end)
  local found, told = {}, 0
  for _, world in ipairs(worlds) do
    told = told + #world.pair.sinks[1].requests
    local list = world.pair:differences(until_ - 0.6)
    for _, line in ipairs(world.looked) do list[#list + 1] = line end
    if #list > 0 then
      found[#found + 1] = ("%s\n%s\n%s\n%s"):format(world.name, world.yaml, am_story.told(world.story) .. trouble.told(world.trouble), table.concat(list, "\n"))
    end
    world.pair:stop()
  end
  return table.concat(found, "\n\n"), told
end

describe("an imported configuration of Alertmanager", function()
  teardown(proc.cleanup)

  -- An alert may end in the very moment in which a group is flushed: which comes first is chance, on either side.  What is a
  -- difference comes again.
  for seed = SEED, SEED + SEEDS - 1 do
    it(("tells the same as Alertmanager does, whatever happens (seed %d)"):format(seed), function()
      local different, told
      for _ = 1, 3 do
        different, told = live(seed)
        if different == "" then break end
      end
      assert.equal("", different)
      if os.getenv "TOLD" then print(("seed %d: %d messages"):format(seed, told)) end
      assert.is_true(told > 2 * #kinds() or #kinds() < #am_worlds.kinds, "too little was told to compare: " .. told)
    end)
  end
end)
