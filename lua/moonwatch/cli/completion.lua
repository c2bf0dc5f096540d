--- completion.lua - `moonwatch completion SHELL`: what TAB gives in a shell, from the tables of commands and words.
--
-- The flags of a command are those that its usage line names, so they cannot be forgotten here.
local M = {}

M.usage = "completion bash|zsh|fish"
M.help = "what TAB completes in a shell: source <(moonwatch completion bash), or write it where the shell looks"

local ALWAYS = { "--url", "--token" }

-- { name=, help=, flags={"--json"}, words={"alert"} } for each command.
local function commands()
  local cli, doc = require "moonwatch.cli", require "moonwatch.words.doc"
  local out = {}
  for i, row in ipairs(cli.commands) do
    local command, flags, seen = cli.command(row[1]), {}, {}
    local function add(flag)
      if not seen[flag] then seen[flag], flags[#flags + 1] = true, flag end
    end
    for flag in command.usage:gmatch "%-%-[%l][%l%-]*" do add(flag) end
    for _, flag in ipairs(command.raw and {} or ALWAYS) do add(flag) end
    local words = {}
    if row[1] == "help" then
      for _, name in ipairs(cli.commands) do words[#words + 1] = name[1] end
      for _, name in ipairs(doc.names()) do words[#words + 1] = name end
    elseif row[1] == "completion" then
      words = { "bash", "zsh", "fish" }
    elseif row[1] == "import" then
      words = { "prometheus", "alertmanager", "sloth", "openslo" }
    elseif row[1] == "silence" then
      words = { "add", "list", "extend", "expire" }
    elseif row[1] == "slo" then
      words = { "gate", "correct", "corrections", "report" }
    end
    out[i] = { name = row[1], help = command.help, flags = flags, words = words }
  end
  return out
end

local function names_of(list)
  local out = {}
  for i, command in ipairs(list) do out[i] = command.name end
  return table.concat(out, " ")
end

local function offers(command)
  local out = {}
  for _, word in ipairs(command.words) do out[#out + 1] = word end
  for _, flag in ipairs(command.flags) do out[#out + 1] = flag end
  return table.concat(out, " ")
end

local SHELLS = {}

function SHELLS.bash(list)
  local cases = {}
  for i, command in ipairs(list) do cases[i] = ("      %s) offered=%q ;;"):format(command.name, offers(command)) end
  return ([[
_moonwatch() {
  local cur=${COMP_WORDS[COMP_CWORD]} offered=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    offered="%s"
  else
    case ${COMP_WORDS[1]} in
%s
    esac
  fi
  COMPREPLY=($(compgen -W "$offered" -- "$cur"))
  case $cur in -*) ;; *) [ "$COMP_CWORD" -eq 1 ] || COMPREPLY+=($(compgen -f -- "$cur")) ;; esac
}
complete -o filenames -F _moonwatch moonwatch
]]):format(names_of(list), table.concat(cases, "\n"))
end

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

function SHELLS.zsh(list)
  local first, cases = {}, {}
  for i, command in ipairs(list) do
    first[i] = "    " .. quoted(command.name .. ":" .. command.help)
    cases[i] = ("    %s) compadd -- %s ;;"):format(command.name, offers(command))
  end
  return ([[
#compdef moonwatch
_moonwatch() {
  local -a commands
  commands=(
%s
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
%s
  esac
  _files
}
compdef _moonwatch moonwatch
]]):format(table.concat(first, "\n"), table.concat(cases, "\n"))
end

function SHELLS.fish(list)
  local out = {}
  for _, command in ipairs(list) do
    out[#out + 1] = ("complete -c moonwatch -n __fish_use_subcommand -f -a %s -d %s"):format(command.name, quoted(command.help))
    local seen = ("-n '__fish_seen_subcommand_from %s'"):format(command.name)
    if #command.words > 0 then
      out[#out + 1] = ("complete -c moonwatch %s -a %s"):format(seen, quoted(table.concat(command.words, " ")))
    end
    for _, flag in ipairs(command.flags) do
      out[#out + 1] = ("complete -c moonwatch %s -l %s"):format(seen, flag:sub(3))
    end
  end
  return table.concat(out, "\n") .. "\n"
end

function M.main(ctx, argv)
  local shell = argv[1]
  if #argv ~= 1 or not SHELLS[shell] then
    ctx.err(("%s\nusage: moonwatch %s\n"):format(shell and ("there is no completion for %q"):format(shell) or "completion needs a shell", M.usage))
    return 2
  end
  ctx.out(SHELLS[shell](commands()))
  return 0
end

return M
