-- Stops the rollout wherever it is.
obj.spec.paused = true
return obj
