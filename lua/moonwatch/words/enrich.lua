--- enrich.lua - the word `enrich`: labels for alerts that others post.
return {
  word = "enrich", shape = "table",
  help = "Labels and annotations that alerts get which others post to /api/v2/alerts, before routes, silences and inhibitions see them: whose " ..
         "they are, how grave, where. Each `enrich` sees what those before it made. Alerts of rules say themselves what their labels are.",
  example = [[
enrich { by = "instance", from = { ["db-1:9100"] = { team = "db", tier = "1" }, ["web-1:9100"] = { team = "web" } } }
enrich { match = { team = "" }, labels = { team = "${labels.namespace}" }, drop = { "pod" } }]],
  notes = [[
Rule files are programs: `from = require "inventory"` is a table that stands in a module, or is made by one. An alert becomes the same each
time it is posted, so that its end ends it; when a reload changes what it becomes, the one before ends by itself.]],
  fields = {
    { "match", "matchers", default = {}, help = "alerts that it is about; none: all that are posted" },
    { "by", "texts", default = {}, help = "labels by whose values `from` is asked; several are joined by /" },
    { "from", "label_sets", default = {}, help = "labels by what `by` says" },
    { "labels", "messages", default = {}, help = "further labels" },
    { "annotations", "messages", default = {}, help = "further annotations" },
    { "drop", "texts", default = {}, help = "labels that go" },
    { "over", "boolean", default = false, help = "also in place of what the alert says itself" },
  },
  after = function(f, problem)
    if next(f.from or {}) and #(f.by or {}) == 0 then problem('"from" needs "by"', { "from" }) end
  end,
}
