-- Ends every pause that waits for a person. That controllerPause stays tells the controller that a person resumed.
if obj.status ~= nil and obj.status.pauseConditions ~= nil and #obj.status.pauseConditions > 0 then
  obj.status.pauseConditions = nil
end
if obj.spec.paused == true then
  obj.spec.paused = false
end
return obj
