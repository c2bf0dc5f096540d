--- keys.lua - the keys of a table in their order: what comes out of a table must not depend on how it lies in memory.

--- A sorted list of the keys of T.
return function(t)
  local out, n = {}, 0
  for key in pairs(t) do
    n = n + 1
    out[n] = key
  end
  table.sort(out)
  return out
end
