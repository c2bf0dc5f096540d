--- remote.lua - remote write bodies for end-to-end specs: protobuf, as small as will do.
local ffi = require "ffi"

local M = {}

local function varint(v)
  local out = {}
  v = ffi.cast("uint64_t", v)
  repeat
    local byte = tonumber(v % 128)
    v = v / 128
    out[#out + 1] = string.char(v > 0 and byte + 128 or byte)
  until v == 0
  return table.concat(out)
end

local function zigzag(v) return varint(v >= 0 and 2 * v or -2 * v - 1) end
local function bytes(field, text) return varint(field * 8 + 2) .. varint(#text) .. text end
local function number(field, v) return varint(field * 8) .. varint(v) end
local function double(field, v)
  local box = ffi.new("double[1]", v)
  return varint(field * 8 + 1) .. ffi.string(box, 8)
end

local function labels(map)
  local names, out = {}, {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do out[#out + 1] = bytes(1, bytes(1, name) .. bytes(2, map[name])) end
  return table.concat(out)
end

function M.sample(t_ms, v) return bytes(2, double(1, v) .. number(2, t_ms)) end

--- The marker that a series has ended.
function M.stale(t_ms) return bytes(2, varint(9) .. "\2\0\0\0\0\0\240\127" .. number(2, t_ms)) end

--- A native histogram of whole numbers with positive buckets: counts[i] is bucket first + i - 1.
function M.histogram(t_ms, h)
  local deltas, last = {}, 0
  for i, count in ipairs(h.counts) do
    deltas[i] = zigzag(count - last)
    last = count
  end
  return bytes(4, number(1, h.count) .. double(3, h.sum) .. varint(4 * 8) .. zigzag(h.schema) .. double(5, 1e-128)
    .. number(6, h.zero or 0) .. bytes(11, varint(8) .. zigzag(h.first) .. number(2, #h.counts))
    .. bytes(12, table.concat(deltas)) .. number(15, t_ms))
end

--- { {labels = {...}, M.sample(...), M.histogram(...)}, ... } as a WriteRequest.
function M.body(series)
  local out = {}
  for _, s in ipairs(series) do out[#out + 1] = bytes(1, labels(s.labels) .. table.concat(s)) end
  return table.concat(out)
end

--- Send it, not compressed: status, answer.
function M.write(node, series)
  return node:post("/api/v1/write", M.body(series), "application/x-protobuf", { ["content-encoding"] = "identity" })
end

return M
