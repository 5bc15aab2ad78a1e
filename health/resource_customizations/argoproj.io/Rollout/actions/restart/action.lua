-- New pods of the same revision, from now on.
local os = require("os")
obj.spec.restartAt = os.date("!%Y-%m-%dT%XZ")
return obj
