-- A handler of errors that fails while it handles.
-- says: stack overflow
alert "Hostile" {
  when = function()
    local function handler(e)
      return xpcall(error, handler, e)
    end
    while true do xpcall(error, handler, "x") end
  end,
}
