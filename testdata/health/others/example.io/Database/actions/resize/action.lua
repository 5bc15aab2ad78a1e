local size = tonumber(actionParams["size"])
if size == nil then
  error("size is not a number: " .. tostring(actionParams["size"]))
end
obj.spec.size = size
return obj
