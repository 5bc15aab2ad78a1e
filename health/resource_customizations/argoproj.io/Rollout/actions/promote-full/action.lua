-- Skips the steps, pauses and analyses that are left.
if obj.spec.paused == true then
  obj.spec.paused = false
end
if obj.status.currentPodHash ~= obj.status.stableRS then
  obj.status.promoteFull = true
end
return obj
