--- messages_spec.lua - mails and programs in a simulated world: nothing leaves, and one sees what would have.
local testing = require "moonwatch.testing"

local rules = [[
alert "Down" { expr = "up == 0", every = "15s", hold = "1m", summary = "${labels.instance} is down" }
receiver "both" {
  email { to = { "ann@example.com", "bob@example.com" }, from = "mw@example.com", smarthost = "mail.example.com:587", auth = { user = "u", password = secret "PW" } },
  exec { command = { "page", "--loud" }, env = { TOKEN = secret "TOKEN" } },
}
route { receiver = "both", group_wait = "10s" }
]]

describe("a world", function()
  local function world_with(mail, exec)
    local world = testing.world(rules)
    if mail then world:probe("mail", mail) end
    if exec then world:probe("exec", exec) end
    return world:series('up{instance="a"}', "0x100"):advance "4m"
  end

  it("takes mails and programs, and shows them", function()
    local world = world_with()
    assert.sent(world, { kind = "email", ok = true, body = "Subject: [FIRING:1] Down", url = "smtp://mail.example.com:587" }, 1)
    assert.sent(world, { kind = "exec", ok = true, body = "a is down", url = "exec:page --loud" }, 1)
  end)
  it("lets them fail as real ones do, and what is tried again goes to those who have not got it", function()
    local asked, n = {}, 0
    local world = world_with(function(arg)
      asked[#asked + 1] = table.concat(arg.to, " ")
      return #asked == 1 and { status = 250, refused = { { to = "bob@example.com", status = 450, reply = "450 later" } } } or nil
    end, function()
      n = n + 1
      return { code = n < 3 and 75 or 0, stderr = "busy" }
    end)
    assert.same({ "ann@example.com bob@example.com", "bob@example.com" }, asked)
    assert.equal(3, n)
    assert.sent(world, { kind = "exec", ok = false }, 2)
    assert.sent(world, { kind = "exec", ok = true }, 1)
  end)
end)
