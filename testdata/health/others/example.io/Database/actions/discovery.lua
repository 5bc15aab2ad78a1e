actions = {}
actions["backup"] = {}
actions["resize"] = {["disabled"] = obj.status == nil, ["displayName"] = "Resize", ["params"] = {{["name"] = "size", ["default"] = "10"}}}
return actions
