--- include.lua - the word `include`: further files, by pattern.
return {
  word = "include", shape = "text", root_only = true,
  help = "Loads every file that matches the pattern, relative to the root file.",
  example = [[
include "rules/*.lua"]],
  fields = {},
}
