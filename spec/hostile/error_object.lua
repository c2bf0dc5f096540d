-- An error whose text never ends.
-- says: no text
alert "Hostile" {
  when = function(ctx)
    error(setmetatable({}, { __tostring = function() while true do end end }))
  end,
}
