--- sample.lua - the word `sample`, which this version does not know how to do.
return { word = "sample", shape = "table", absent = true, help = "Tail sampling of traces.", fields = {} }
