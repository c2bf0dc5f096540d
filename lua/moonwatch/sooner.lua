--- sooner.lua - the earlier of two times, either of which may be nil: never.
return function(a, b)
  if a and b then return math.min(a, b) end
  return a or b
end
