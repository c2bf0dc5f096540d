--- sink.lua - the word `sink`, which this version does not know how to do.
return { word = "sink", shape = "named", absent = true, help = "Signals sent on to other systems.", fields = {} }
