--- alert_rows.lua - fields that mean the same wherever something becomes an alert: `alert` and `expect`.
local M = {}

--- What is said of the alert, and to whom.
M.texts = {
  { "labels", "label_templates", default = {}, help = "added to the labels of each alert; several may share a name when these or the severity differ" },
  { "annotations", "template_map", default = {}, help = "further texts, sent along" },
  { "summary", "template", help = "one line for a person" },
  { "description", "template", help = "the longer text" },
  { "runbook", "template", help = "address of what to do; sent as the annotation runbook_url" },
}

M.error_policies = { "keep", "fire", "resolve" }
M.on_error = { "on_error", "text", default = "keep", choices = M.error_policies, help = "when it cannot be evaluated: alerts stay as they are, " ..
               "or stay and one more says why (its annotation `error`), or end as if there was nothing to see" }
M.depends_on = { "depends_on", "texts", default = {}, help = "alerts or checks; while one of them is firing or failing, no new alert of this rule starts" }
M.group = { "group", "text", help = "rules of one group of a file run one after the other at one moment; default the file's name" }

--- ROWS and the lists of rows in MORE, as one list.
function M.with(rows, ...)
  local out = {}
  for _, list in ipairs { rows, ... } do
    for _, row in ipairs(list) do out[#out + 1] = row end
  end
  return out
end

M.variant = { "variant", "text", help = "tells apart what has the same name and the same labels, as rules of Prometheus may; any text" }

--- Labels that nobody may give an alert; `severity` only one that has none by itself.
function M.check_labels(fields, problem, more)
  for _, name in ipairs { "alertname", "__name__", fields.severity ~= "" and "severity" or "__name__", more } do
    if fields.labels and fields.labels[name] then
      local instead = name == "severity" and ": write severity = ... beside labels" or ""
      problem(("label %q is set by moonwatch itself%s"):format(name, instead), { "labels", name })
    end
  end
end

return M
