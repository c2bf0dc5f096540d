--- did_you_mean.lua - the end of a refusal that names what was probably meant.

--- ` (did you mean "web"?)` when one of NAMES is nearly NAME, else "".
return function(host, name, names)
  local near = host.nearest(tostring(name), names)
  return near and (" (did you mean %q?)"):format(near) or ""
end
