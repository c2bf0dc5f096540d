-- Stops the collector.
-- says: collectgarbage
collectgarbage("stop")
