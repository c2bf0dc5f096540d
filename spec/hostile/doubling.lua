-- A text doubled until memory ends.
-- says: memory
alert "Hostile" {
  when = function(ctx)
    local s = "x"
    while true do s = s .. s end
  end,
}
