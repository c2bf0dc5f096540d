--- folder_spec.lua - the data folder: whose it is, and what happens when the disk does not take what comes.
local proc = require "proc"
local server = require "server"

local now = os.time()

local function start(options)
  options = options or {}
  options.config = options.config or 'settings { out_of_order = "all" }'
  return server.start(options)
end

--- The same folder, served again.
local function again(node) return start { dir = node.dir } end

local function own(node, name)
  local status, page = node:get "/metrics"
  assert.equal(200, status)
  return tonumber(page:match("\n" .. name .. " ([^\n]+)"))
end

local function push(node, text) return node:post("/api/v1/import/prometheus", text, "text/plain") end

--- A scratch folder whose data folder is a disk of 4 MB, and that folder.
local function small_disk()
  local dir = proc.scratch()
  local disk = dir .. "/data"
  os.execute("mkdir " .. disk)
  if os.execute(("mount -t tmpfs -o size=4m tmpfs %s 2>/dev/null"):format(disk)) ~= 0 then
    pending "mounting a small file system is not permitted here"
    return nil
  end
  return dir, disk
end

describe("the data folder", function()
  after_each(proc.cleanup)

  it("refuses writes on a full disk, goes on answering, and takes samples again by itself", function()
    local dir, disk = small_disk()
    if not dir then return end
    finally(function() os.execute("umount -l " .. disk) end)
    local node = start { dir = dir }
    node:push(("full 1 %d000\n"):format(now))
    os.execute(("dd if=/dev/zero of=%s/filler bs=64k count=1000 2>/dev/null"):format(disk))
    local status, answer, headers
    for i = 1, 200 do -- what is left of the last page may still take some
      status, answer, headers = node:post("/api/v1/import/prometheus", ("full%d %d %d000\n"):format(i, i, now), "text/plain")
      if status >= 300 then break end
    end
    assert.equal(503, status, answer)
    assert.truthy(headers["retry-after"])
    assert.equal(1, own(node, "moonwatch_tsdb_read_only"))
    assert.equal(1, node:value "full")
    os.execute(("rm %s/filler"):format(disk))
    proc.eventually(function()
      return node:post("/api/v1/import/prometheus", ("after 5 %d000\n"):format(now), "text/plain") == 204
    end, 10, "the disk is used again")
    node:kill()
    node = again(node)
    assert.equal(1, node:value "full")
    assert.equal(5, node:value "after")
    node:stop()
  end)

  it("is served from a disk that has become read-only, and written again when it may be", function()
    local dir, disk = small_disk()
    if not dir then return end
    finally(function() os.execute("umount -l " .. disk) end)
    local function remount(how) assert.equal(0, os.execute(("mount -o remount,%s %s"):format(how, disk))) end
    local node = start { dir = dir }
    node:push(("sealed 1 %d000\n"):format(now))
    node:stop()
    node = again(node)
    node:push(("journaled 2 %d000\n"):format(now))
    node:kill()
    remount "ro"
    node = again(node)
    assert.equal(3, node:value "sealed + journaled")
    assert.equal(503, (push(node, ("late 3 %d000\n"):format(now))))
    remount "rw"
    proc.eventually(function() return push(node, ("late 3 %d000\n"):format(now)) == 204 end, 10, "the disk is used again")
    node:kill()
    node = again(node)
    assert.equal(6, node:value "sealed + journaled + late")
    node:stop()
  end)

  it("says when to come again with new series for which memory has no room at the moment", function()
    local node = start { config = 'settings { limits = { memory = "1MB" } }' }
    local status, answer, headers
    for round = 1, 20 do
      local lines = {}
      for i = 1, 2000 do lines[i] = ("flood{n=\"%d-%d\"} 1 %d000\n"):format(round, i, now) end
      status, answer, headers = push(node, table.concat(lines))
      if status ~= 204 then break end
    end
    assert.equal(503, status, answer)
    assert.truthy(answer:find("limits.memory at the moment", 1, true), answer)
    assert.equal("1", headers["retry-after"])
    assert.equal(204, (push(node, ('flood{n="1-1"} 2 %d001\n'):format(now)))) -- those who are in may go on
    node:stop()
  end)

  it("has one process at a time", function()
    local node = start()
    local second = start { dir = node.dir, port = proc.free_port(), ready = false }
    assert.equal(1, second.proc:wait(10))
    assert.truthy(second:log():find("is in use by another process", 1, true), second:log())
    node:push(("mine 1 %d000\n"):format(now))
    node:kill()
    node = again(node) -- the one that was killed does not keep it
    assert.equal(1, node:value "mine")
    node:stop()
  end)

  it("does not start on a folder that it may not write, and says so", function()
    local dir = proc.scratch()
    proc.write(dir .. "/data", "a file where the folder should be")
    local node = server.start { dir = dir, ready = false }
    assert.equal(1, node.proc:wait(10))
    assert.truthy(node:log():find(dir .. "/data", 1, true), node:log())
  end)
end)
