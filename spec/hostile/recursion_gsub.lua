-- A replacement that replaces: C calls Lua calls C.
-- says: overflow
alert "Hostile" {
  when = function(ctx)
    local function f() return (("x"):gsub("x", f)) end
    return f()
  end,
}
