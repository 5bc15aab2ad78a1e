-- Tries an aborted update again, from its first step.
obj.status.abort = nil
return obj
