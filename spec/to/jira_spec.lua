--- jira_spec.lua - one issue for a group: searched for, made, brought up to date, closed, opened again, commented.
local host = require("fake_host").new()
local notes = require "receiver_notes"

local LABEL = ("ALERT{%s}"):format(host.sha256(notes.note().group_key))
local BASE = "https://jira.test/rest/api/2"

local function fields(more)
  local out = { url = BASE .. "/", project = "OPS", issue_type = "Bug", auth = { user = "me", password = { ["@secret"] = "KEY" } }, labels = { "a b" },
    resolve_transition = "Done", reopen_transition = "Reopen", reopen_within = 3600 }
  for k, v in pairs(more or {}) do out[k] = v end
  return out
end

-- A Jira that has ISSUE ({key=, category=}) or none.
local function jira(issue)
  return function(request)
    if request.url:find "/search" then
      return { status = 200, body = host.json.encode { issues = host.json.array(issue and
        { { key = issue.key, fields = { status = { name = "x", statusCategory = { key = issue.category } } } } } or {}) } }
    elseif request.method == "GET" then
      return { status = 200, body = '{"transitions":[{"id":"11","name":"Reopen"},{"id":"31","name":"Done"}]}' }
    end
    return { status = request.method == "PUT" and 204 or 201, body = "{}" }
  end
end

local function lines(told)
  local out = {}
  for i, r in ipairs(told.requests) do out[i] = r.method .. " " .. r.url:gsub("^" .. BASE, "") end
  return out
end

describe("a Jira issue", function()
  it("is made when there is none, with a label by which it is found again", function()
    local told = notes.tell("jira", notes.note(), fields(), jira())
    assert.same({ "POST /search", "POST /issue" }, lines(told))
    assert.equal(('(resolutiondate is EMPTY or resolutiondate >= -60m) and project="OPS" and labels="%s" order by status ASC,resolutiondate DESC'):format(LABEL),
      told.requests[1].json.jql)
    assert.equal("Basic " .. host.base64 "me:k3y/x", told.requests[1].headers.authorization)
    local f = told.requests[2].json.fields
    assert.same({ { key = "OPS" }, { name = "Bug" }, "[FIRING:1] Busy", { "a_b", LABEL }, { name = "High" } },
      { f.project, f.issuetype, f.summary, f.labels, f.priority })
  end)
  it("is brought up to date when it is open, and its texts are left alone if so configured", function()
    assert.same({ "POST /search", "PUT /issue/OPS-1" }, lines(notes.tell("jira", notes.note(), fields(), jira { key = "OPS-1", category = "new" })))
    local told = notes.tell("jira", notes.note(), fields { update_summary = false, update_description = false }, jira { key = "OPS-1", category = "new" })
    local f = told.requests[2].json.fields
    assert.same({ nil, nil }, { f.summary, f.description })
  end)
  it("is opened again when it was closed a short while ago", function()
    local told = notes.tell("jira", notes.note(), fields(), jira { key = "OPS-1", category = "done" })
    assert.same({ "POST /search", "PUT /issue/OPS-1", "GET /issue/OPS-1/transitions", "POST /issue/OPS-1/transitions" }, lines(told))
    assert.same({ transition = { id = "11" } }, told.requests[4].json)
  end)
  it("goes through its transition when the group resolved; without an issue there is nothing to do", function()
    local told = notes.tell("jira", notes.resolved(), fields(), jira { key = "OPS-1", category = "indeterminate" })
    assert.same({ transition = { id = "31" } }, told.requests[4].json)
    assert.truthy(told.requests[1].json.jql:find("statusCategory != Done", 1, true))
    told = notes.tell("jira", notes.resolved(), fields(), jira())
    assert.same({ true, 1 }, { told.outcome.ok, #told.requests })
  end)
  it("is commented by an acknowledgement", function()
    local told = notes.tell("jira", notes.acknowledged(), fields(), jira { key = "OPS-1", category = "new" })
    assert.same({ "POST /search", "POST /issue/OPS-1/comment" }, lines(told))
    assert.equal("Acknowledged by ann: looking", told.requests[2].json.body)
  end)
  it("is searched at another door in the cloud, and gets documents from version 3 on", function()
    local told = notes.tell("jira", notes.note(), fields { url = "https://x.atlassian.net/rest/api/2" }, jira())
    assert.equal("https://x.atlassian.net/rest/api/3/search/jql", told.requests[1].url)
    told = notes.tell("jira", notes.note(), fields { url = "https://j/rest/api/3", description = "one\n\ntwo" }, jira())
    local d = told.requests[2].json.fields.description
    assert.same({ "doc", 3, "two", 0 }, { d.type, #d.content, d.content[3].content[1].text, #d.content[2].content })
  end)
  it("is not made when the search was refused, and is tried again when Jira is busy or talks nonsense", function()
    local function outcome(answer)
      local told = notes.tell("jira", notes.note(), fields(), { answer })
      assert.equal(1, #told.requests)
      return told.outcome
    end
    assert.is_false(outcome({ status = 400 }).retry)
    assert.is_false(outcome({ status = 401 }).retry)
    assert.is_true(outcome({ status = 503 }).retry)
    assert.is_true(outcome({ status = 200, body = "<html>" }).retry)
    assert.is_true(outcome({ status = 200, body = '{"issues":7}' }).retry)
    assert.is_true(outcome({ error = "connection reset" }).retry)
  end)
  it("says which transition is missing", function()
    local told = notes.tell("jira", notes.resolved(), fields { resolve_transition = "Fixed" }, jira { key = "OPS-1", category = "new" })
    assert.is_false(told.outcome.retry)
    assert.truthy(told.outcome.error:find('OPS-1 cannot go through transition "Fixed"', 1, true))
  end)
  it("has quotes of a project's name escaped in the search, and a key that leads nowhere else", function()
    local told = notes.tell("jira", notes.note(), fields { project = 'x" or project="y' }, jira { key = "../../x", category = "new" })
    assert.truthy(told.requests[1].json.jql:find([[project="x\" or project=\"y"]], 1, true))
    assert.equal("PUT /issue/x", lines(told)[2])
  end)
end)
