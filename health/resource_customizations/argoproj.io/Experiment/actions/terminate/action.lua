-- Ends it. The controller stops what is being measured and says so in the status.
obj.spec = obj.spec or {}
obj.spec.terminate = true
return obj
