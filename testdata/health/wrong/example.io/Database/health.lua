hs = {}
if obj.status ~= nil then
  if obj.status.conditions ~= nil then
    for i, condition in pairs(obj.status.conditions) do
      if condition.type == "Ready" and condition.status == "False" then
        hs.status = "Degraded"
        hs.message = condition.message
        return hs
      end
      if condition.type == "Ready" and condition.status == "True" then
        hs.status = "Healthy"
        hs.message = string.format("%s: %s", obj.metadata.name, condition.message:lower())
        return hs
      end
    end
  end
end
hs.status = "Progressing"
hs.message = "Waiting for database"
return hs
