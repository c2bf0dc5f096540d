--- pipeline.lua - the word `pipeline`, which this version does not know how to do.
return { word = "pipeline", shape = "named", absent = true, help = "Logs on their way in: parse, redact, drop, derive metrics.", fields = {} }
