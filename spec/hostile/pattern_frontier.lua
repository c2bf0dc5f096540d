-- A frontier with a long set at each character.
-- says: instructions
alert "Hostile" {
  when = function(ctx)
    local s, set = ("a"):rep(1e6), "%f[" .. ("b"):rep(1e6 - 10) .. "]c"
    string.find(s, set)
    error("came back")
  end,
}
