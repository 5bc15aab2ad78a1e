-- Which actions there are now: what goes on can be ended.
local status, spec = obj.status or {}, obj.spec or {}
local phase = status.phase
local ended = phase == "Successful" or phase == "Failed" or phase == "Error" or phase == "Inconclusive"

return {
  ["terminate"] = { disabled = ended or spec.terminate == true, displayName = "Terminate", iconClass = "fa fa-fw fa-stop" },
}
