-- Goes on with the next step of a canary.
local steps = #(((obj.spec.strategy or {}).canary or {}).steps or {})
local index = obj.status.currentStepIndex or 0
if index < steps then
  obj.status.pauseConditions = nil
  obj.status.currentStepIndex = index + 1
end
return obj
