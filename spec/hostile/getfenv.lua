-- The globals behind the file.
-- says: getfenv
alert "Hostile" { when = function() return getfenv(0).os end }
