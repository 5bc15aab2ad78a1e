-- Takes the update back.
obj.status.abort = true
return obj
