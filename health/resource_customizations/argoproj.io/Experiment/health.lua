-- How an Experiment is, in the words of Argo CD. The same rules in Go: health/analysis.go.

local function text(value)
  if type(value) == "string" then return value end
  return ""
end

if type(obj.status) ~= "table" then
  return { status = "Progressing", message = "Waiting for experiment to finish: status has not been reconciled." }
end
local phase, message = text(obj.status.phase), text(obj.status.message)

local function ended(status, otherwise)
  if message == "" then message = otherwise end
  return { status = status, message = message }
end

if phase == "Pending" or phase == "Running" then
  return { status = "Progressing", message = "Experiment is running" }
end
if phase == "Successful" then return ended("Healthy", "Experiment completed successfully") end
if phase == "Failed" then return ended("Degraded", "Experiment failed") end
if phase == "Error" then return ended("Degraded", "Experiment had an error") end
return {}
