--- scrape_config.lua - one of Prometheus' scrape_configs as the word `scrape`.
local auth_of = require "moonwatch.import.http_auth"
local lua = require "moonwatch.import.lua_source"
local relabel = require "moonwatch.import.relabel"
local writer = require "moonwatch.import.lua_writer"
local keys_of = require "moonwatch.keys"

local M = {}

local SPEC = {
  job_name = "text", scrape_interval = "duration", scrape_timeout = "duration", metrics_path = "text", scheme = "text", params = "map",
  honor_labels = "boolean", honor_timestamps = "boolean", track_timestamps_staleness = "boolean", body_size_limit = "text", sample_limit = "number",
  target_limit = "number", label_limit = "number", label_name_length_limit = "number", label_value_length_limit = "number",
  static_configs = "list", file_sd_configs = "list", dns_sd_configs = "list", http_sd_configs = "list",
  relabel_configs = "list", metric_relabel_configs = "list",
}
for name in pairs(auth_of.FIELDS) do SPEC[name] = "any" end

-- What there is no word for.  true: it says nothing that would be missed unless it is set to this.
local ABSENT = {
  scrape_protocols = "formats are agreed on with each target", fallback_scrape_protocol = "text is always understood",
  scrape_classic_histograms = "no such choice", always_scrape_classic_histograms = "no such choice", scrape_native_histograms = "native histograms are always taken",
  convert_classic_histograms_to_nhcb = "no such conversion", native_histogram_bucket_limit = "no such limit", native_histogram_min_bucket_factor = "no such limit",
  keep_dropped_targets = "dropped targets are not kept", scrape_failure_log_file = "failures are in the own log", enable_compression = "answers may always be compressed",
  metric_name_validation_scheme = "names are taken as they come", metric_name_escaping_scheme = "names are taken as they come", extra_scrape_metrics = "no such choice",
  label_name_length_limit = "no such limit",
}
for name in pairs(ABSENT) do SPEC[name] = SPEC[name] or "any" end
for name in ("azure consul digitalocean docker dockerswarm ec2 eureka gce hetzner ionos kubernetes kuma lightsail linode marathon nerve nomad openstack ovhcloud puppetdb scaleway serverset stackit triton uyuni vultr aws outscale"):gmatch "%a%w*" do
  SPEC[name .. "_sd_configs"] = "list"
end
local CARRIED = { static_configs = true, file_sd_configs = true, dns_sd_configs = true, http_sd_configs = true }

local Scrape = {}
Scrape.__index = Scrape

function Scrape:add(name, value, key, short)
  local row = { name = name, value = value, short = short }
  if key then row.above, row.beside = self.doc:above(key.line, self.line), self.doc:beside(key.line) end
  self.rows[#self.rows + 1] = row
end

-- -- targets ----------------------------------------------------------------------

-- Prometheus 2 gave an address without a port that of its scheme; what will be relabelled may still become something else.
local function with_port(self, address)
  if self.fields.relabel_configs or address:find ":%d+$" then return address end
  return address .. (self.fields.scheme and self.fields.scheme.text == "https" and ":443" or ":80")
end

local function static_groups(self)
  local out = {}
  for _, node in ipairs(self.fields.static_configs and self.fields.static_configs.items or {}) do
    if self.doc:expect(node, "map", "static_configs") then
      local fields, keys = self.doc:fields(node, { targets = "list", labels = "map" }, "static_configs")
      local group = { targets = {}, labels = {}, node = node, keys = keys, above = self.doc:above(node.line, self.line) }
      for _, item in ipairs(fields.targets and fields.targets.items or {}) do
        local target = self.doc:expect(item, "text", "target")
        if target then
          group.targets[#group.targets + 1] = { value = lua.quoted(with_port(self, target.text)), above = self.doc:above(target.line, node.line), beside = self.doc:beside(target.line) }
        end
      end
      for _, row in ipairs(self.doc:text_rows(fields.labels, "labels")) do
        group.labels[#group.labels + 1] = { name = row[1], value = lua.text(row[2]), above = self.doc:above(row.key.line, node.line), beside = self.doc:beside(row.key.line) }
      end
      if #group.targets > 0 then out[#out + 1] = group end
    end
  end
  return out
end

local function static(self)
  local groups, key = static_groups(self), self.keys.static_configs
  if #groups == 0 then return end
  self.found = true
  local alone = #groups == 1 and not (self.fields.file_sd_configs or self.fields.dns_sd_configs or self.fields.http_sd_configs)
  if alone or (#groups == 1 and #groups[1].labels == 0) then
    self:add("targets", writer.table(groups[1].targets), key)
    for _, text in ipairs(groups[1].above) do table.insert(self.rows[#self.rows].above, text) end
    if #groups[1].labels > 0 then self:add("labels", writer.table(groups[1].labels)) end
    return
  end
  local list = {}
  for i, group in ipairs(groups) do
    local rows = { { name = "targets", value = writer.table(group.targets) } }
    if #group.labels > 0 then rows[2] = { name = "labels", value = writer.table(group.labels) } end
    list[i] = { value = writer.table(rows), above = group.above }
  end
  self:add("targets", writer.table(list), key)
end

local function files(self)
  local list, every = {}, nil
  for _, node in ipairs(self.fields.file_sd_configs and self.fields.file_sd_configs.items or {}) do
    if self.doc:expect(node, "map", "file_sd_configs") then
      local fields, keys = self.doc:fields(node, { files = "list", refresh_interval = "duration" }, "file_sd_configs")
      for _, path in ipairs(self.doc:texts(fields.files, "files")) do list[#list + 1] = lua.quoted(self.place(path)) end
      every = every or keys.refresh_interval
    end
  end
  if #list == 0 then return end
  self.found = true
  if every then self.doc:note(every, "refresh_interval: files are watched, a change counts at once") end
  self:add("files", #list == 1 and list[1] or "{ " .. table.concat(list, ", ") .. " }", self.keys.file_sd_configs)
end

local function tables(self, name, key, list)
  if #list == 0 then return end
  self.found = true
  local rows = {}
  for i, item in ipairs(list) do rows[i] = { value = item } end
  self:add(name, #list == 1 and list[1] or writer.table(rows), key)
end

local function dns(self)
  local list = {}
  for _, node in ipairs(self.fields.dns_sd_configs and self.fields.dns_sd_configs.items or {}) do
    if self.doc:expect(node, "map", "dns_sd_configs") then
      local f = self.doc:fields(node, { names = "list", type = "text", port = "number", refresh_interval = "duration" }, "dns_sd_configs")
      local names = self.doc:texts(f.names, "names")
      local rows = { { "name", #names == 1 and names[1] or names } }
      if f.type then rows[#rows + 1] = { "type", f.type.text:upper() } end
      if f.port then rows[#rows + 1] = { "port", tonumber(f.port.text) } end
      if f.refresh_interval then rows[#rows + 1] = { "every", f.refresh_interval.text } end
      if #names > 0 then list[#list + 1] = lua.map(rows) end
    end
  end
  tables(self, "dns", self.keys.dns_sd_configs, list)
end

local function http(self)
  local list = {}
  local spec = { url = "text", refresh_interval = "duration" }
  for name in pairs(auth_of.FIELDS) do spec[name] = "any" end
  for _, node in ipairs(self.fields.http_sd_configs and self.fields.http_sd_configs.items or {}) do
    if self.doc:expect(node, "map", "http_sd_configs") then
      local f, keys = self.doc:fields(node, spec, "http_sd_configs")
      local rows = f.url and { { name = "url", value = lua.quoted(f.url.text) } } or {}
      if f.refresh_interval then rows[#rows + 1] = { name = "every", value = lua.quoted(f.refresh_interval.text) } end
      for _, row in ipairs(auth_of.rows(self.doc, f, keys, self.place)) do rows[#rows + 1] = row end
      if f.url then list[#list + 1] = writer.table(rows) end
    end
  end
  tables(self, "http", self.keys.http_sd_configs, list)
end

-- -- everything else -----------------------------------------------------------------

local function simple(self, field, name, how, default)
  local node = self.fields[field]
  if node and node.text ~= default then self:add(name, how(node.text), self.keys[field], true) end
end

local function plain(text) return text end

local function limits(self)
  for field, name in pairs(M.LIMITS) do
    local node, key = self.fields[field] or self.global[field], self.keys[field]
    if node and tonumber(node.text) ~= 0 and node.text ~= "0" then
      self.limit_rows[#self.limit_rows + 1] = { name, node, key }
    end
  end
  table.sort(self.limit_rows, function(a, b) return a[1] < b[1] end)
  for _, row in ipairs(self.limit_rows) do
    local text = row[2].text
    self:add(row[1], row[1] == "body_limit" and lua.quoted(text) or text, row[3], true)
  end
end
M.LIMITS = { sample_limit = "sample_limit", label_limit = "label_limit", label_value_length_limit = "label_value_limit", target_limit = "target_limit",
             body_size_limit = "body_limit" }

local function timing(self)
  local every = self.fields.scrape_interval or self.global.scrape_interval
  self:add("every", lua.quoted(every and every.text or "1m"), self.keys.scrape_interval, true)
  local timeout = self.fields.scrape_timeout or self.global.scrape_timeout
  if timeout and timeout.text ~= "10s" then self:add("timeout", lua.quoted(timeout.text), self.keys.scrape_timeout, true) end
end

local function params(self)
  local node = self.fields.params
  if not node then return end
  local rows = {}
  for _, row in ipairs(self.doc:rows(node)) do
    local list = self.doc:texts(row.node, "params")
    rows[#rows + 1] = { row.key.text, #list == 1 and list[1] or list }
  end
  if #rows > 0 then self:add("params", lua.map(rows), self.keys.params) end
end

-- "drop what is called so" at the beginning of metric_relabel_configs, as selectors.
local function dropped(self, nodes)
  local out = {}
  for i, node in ipairs(nodes) do
    local action, regex, sources
    if node.kind == "map" then
      for _, row in ipairs(self.doc:rows(node)) do
        local name = row.key.text
        if name == "action" then action = row.node.text
        elseif name == "regex" then regex = row.node.text
        elseif name == "source_labels" then sources = row.node.items end
      end
    end
    local simple_drop = action == "drop" and regex and regex ~= "" and sources and #sources == 1 and sources[1].kind == "text" and self.doc.host.regex(regex)
    if not simple_drop then return out, i end
    local selector = ('{%s=~"%s"}'):format(sources[1].text, regex:gsub('[\\"]', "\\%0"))
    if not self.doc.host.selector(selector) then return out, i end
    out[i] = { value = lua.expression(selector), above = self.doc:above(node.line, self.line) }
    for _, text in ipairs(self.doc:left(node.line, node.last)) do table.insert(out[i].above, text) end
  end
  return out, #nodes + 1
end

local function relabelling(self)
  local nodes = self.fields.relabel_configs and self.fields.relabel_configs.items or {}
  if #nodes > 0 then
    local above = self.doc:above(self.keys.relabel_configs.line, self.line)
    local lines = relabel.lines(self.doc, nodes, self.keys.relabel_configs.line, self.file)
    self.rows[#self.rows + 1] = { name = "relabel", value = relabel.fn("target", "local labels = target.labels", lines, "return target"), above = above }
  end
  nodes = self.fields.metric_relabel_configs and self.fields.metric_relabel_configs.items or {}
  local drops, first = dropped(self, nodes)
  if #drops > 0 then self:add("drop", #drops == 1 and #drops[1].above == 0 and drops[1].value or writer.table(drops), self.keys.metric_relabel_configs) end
  local rest = {}
  for i = first, #nodes do rest[#rest + 1] = nodes[i] end
  if #rest > 0 then
    local above = self.doc:above(self.keys.metric_relabel_configs.line, self.line)
    local lines = relabel.lines(self.doc, rest, rest[1].line - 1, self.file)
    table.insert(lines, 1, "labels.__name__ = sample.name")
    self.rows[#self.rows + 1] = { name = "keep", value = relabel.fn("sample", "local labels = sample.labels", lines, "return sample"), above = above }
  end
end

local function missing(self)
  for _, name in ipairs(keys_of(self.keys)) do
    local key, node = self.keys[name], self.fields[name]
    if ABSENT[name] and node then self.doc:lost(key, ("%s: %s"):format(name, ABSENT[name]))
    elseif name:find "_sd_configs$" and not CARRIED[name] then
      self.doc:lost(key, ("%s: this kind of discovery is not there; file, DNS and HTTP discovery are"):format(name))
      self.unable = true
    end
  end
end

--- Write the scrape config NODE of DOC into FILE.  context: { global= (fields), place=function(path) (beside the YAML), floor= }.
function M.write(doc, node, file, context)
  local above = doc:above(node.line, context.floor)
  if not doc:expect(node, "map", "scrape_configs") then return end
  local self = setmetatable({ doc = doc, file = file, global = context.global, place = context.place, line = node.line - 1, rows = {}, limit_rows = {} }, Scrape)
  self.fields, self.keys = doc:fields(node, SPEC, "scrape config")
  local name = self.fields.job_name and self.fields.job_name.text
  if not name or name == "" then return doc:lost(node, "a scrape config needs job_name") end
  for _, text in ipairs { doc:beside(node.line) } do above[#above + 1] = text end
  static(self)
  files(self)
  dns(self)
  http(self)
  timing(self)
  simple(self, "metrics_path", "path", lua.quoted, "/metrics")
  simple(self, "scheme", "scheme", lua.quoted, "http")
  simple(self, "honor_labels", "honor_labels", plain, "false")
  simple(self, "honor_timestamps", "honor_timestamps", plain, "true")
  simple(self, "track_timestamps_staleness", "track_timestamps_staleness", plain, "false")
  params(self)
  for _, row in ipairs(auth_of.rows(doc, self.fields, self.keys, self.place)) do self.rows[#self.rows + 1] = row end
  limits(self)
  relabelling(self)
  missing(self)
  for _, text in ipairs(doc:left(node.line, node.last)) do above[#above + 1] = text end
  if self.found then return file:declare("scrape", name, self.rows, above, doc, node) end
  file:comments(above)
  if not self.unable then doc:lost(node, ("job %q has no targets"):format(name)) end
  table.insert(self.rows, 1, { name = "targets", value = "{}" })
  file:aside("This job has no targets that can be asked for:\n" .. writer.declaration("scrape", name, self.rows))
end

return M
