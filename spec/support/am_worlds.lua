--- am_worlds.lua - which worlds there are beside a real Alertmanager: each is odd in one way.
local labels = require "am_labels"
local windows = require "am_windows"

local M = {}

M.kinds = { "plain", "windows", "labels", "lives" }

local MAKE = {}

function MAKE.plain() return { words = labels.plain, windows = windows.plain() } end
function MAKE.windows(c, now) return { words = labels.plain, windows = windows.near(c, now) } end
function MAKE.labels() return { words = labels.odd, windows = windows.plain() } end
function MAKE.lives() return { words = labels.plain, windows = windows.plain(), lively = true } end

--- A world of KIND at NOW.
function M.make(kind, c, now) return MAKE[kind](c, now) end

return M
