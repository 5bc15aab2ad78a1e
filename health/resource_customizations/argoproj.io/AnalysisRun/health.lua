-- How an AnalysisRun is, in the words of Argo CD. The same rules in Go: health/analysis.go.

local function text(value)
  if type(value) == "string" then return value end
  return ""
end

if type(obj.status) ~= "table" then
  return { status = "Progressing", message = "Waiting for analysis run to finish: status has not been reconciled." }
end
local phase, message = text(obj.status.phase), text(obj.status.message)

local function ended(status, otherwise)
  if message == "" then message = otherwise end
  return { status = status, message = message }
end

if phase == "Pending" or phase == "Running" then
  return { status = "Progressing", message = "Analysis run is running" }
end
if phase == "Successful" then return ended("Healthy", "Analysis run completed successfully") end
if phase == "Failed" then return ended("Degraded", "Analysis run failed") end
if phase == "Error" then return ended("Degraded", "Analysis run had an error") end
if phase == "Inconclusive" then return ended("Unknown", "Analysis run was inconclusive") end
return {}
