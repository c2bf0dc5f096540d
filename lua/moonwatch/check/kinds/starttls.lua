--- starttls.lua - how protocols turn to TLS: steps of a talk over TCP, the last of which begins it.
local HELLO = "moonwatch"

return {
  smtp = {
    { matches = "(?m)^220 " }, { send = "EHLO " .. HELLO .. "\r\n", matches = "(?m)^250[ -]STARTTLS" },
    { send = "STARTTLS\r\n", matches = "(?m)^220 " }, { starttls = true },
  },
  imap = { { matches = "(?m)^\\* OK" }, { send = "a STARTTLS\r\n", matches = "(?m)^a OK" }, { starttls = true } },
  pop3 = { { matches = "(?m)^\\+OK" }, { send = "STLS\r\n", matches = "(?m)^\\+OK" }, { starttls = true } },
  ftp = { { matches = "(?m)^220 " }, { send = "AUTH TLS\r\n", matches = "(?m)^234 " }, { starttls = true } },
  -- SSLRequest: its length and its code; one byte answers.
  postgres = { { send = "\0\0\0\8\4\210\22\47", expect = "S" }, { starttls = true } },
}
