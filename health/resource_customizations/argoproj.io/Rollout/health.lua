-- How a Rollout is, in the words of Argo CD. The same rules in Go: health/rollout.go. Needs useOpenLibs.

local unobserved = "Waiting for rollout spec update to be observed"

local function fields(value)
  if type(value) == "table" then return value end
  return {}
end

local function text(value)
  if type(value) == "string" then return value end
  return ""
end

local function number(value, otherwise)
  if type(value) == "number" then return value end
  return otherwise
end

-- A hash counts as observed, and so does what is too long to be a generation.
local function generation(value)
  if type(value) == "string" and #value <= 15 and string.find(value, "^%d+$") then return tonumber(value) end
  return number(value, nil)
end

local metadata, spec = fields(obj.metadata), fields(obj.spec)
local annotations, status = fields(metadata.annotations), fields(obj.status)

local function notObserved()
  if type(obj.status) ~= "table" then return true end
  local observed = generation(status.observedGeneration)
  if observed ~= nil and observed < number(metadata.generation, 0) then return true end
  return type(spec.workloadRef) == "table" and type(metadata.annotations) == "table" and
    text(annotations["rollout.argoproj.io/workload-generation"]) ~= text(status.workloadObservedGeneration)
end

local function known(phase)
  return phase == "Healthy" or phase == "Suspended" or phase == "Progressing" or phase == "Missing" or
    phase == "Degraded" or phase == "Unknown"
end

-- For controllers that write no phase: a condition that says what is broken.
local function broken()
  for _, entry in ipairs(fields(status.conditions)) do
    local c = fields(entry)
    if c.type == "InvalidSpec" or c.type == "Progressing" and
      (c.reason == "RolloutAborted" or c.reason == "ProgressDeadlineExceeded") then
      return c
    end
  end
end

local function progressing(message)
  return { status = "Progressing", message = message }
end

local function cutover(updated)
  local current, stable = text(status.currentPodHash), text(status.stableRS)
  local strategy = fields(spec.strategy)
  if type(strategy.blueGreen) == "table" then
    if text(fields(status.blueGreen).activeSelector) ~= current then
      return progressing("active service cutover pending")
    end
    if stable ~= "" and stable ~= current then
      return progressing("waiting for analysis to complete")
    end
  end
  if type(strategy.canary) == "table" then
    if number(status.replicas, 0) > updated then
      return progressing("Waiting for roll out to finish: old replicas are pending termination")
    end
    if stable ~= current then
      return progressing("Waiting for rollout to finish steps")
    end
  end
  return { status = "Healthy", message = "" }
end

local function assess()
  if notObserved() then return progressing(unobserved) end
  local phase = text(status.phase)
  if phase ~= "" then
    if phase == "Paused" then phase = "Suspended" end
    if known(phase) then return { status = phase, message = text(status.message) } end
    return { status = "Unknown", message = "unknown phase: " .. phase }
  end
  local condition = broken()
  if condition then return { status = "Degraded", message = text(condition.message) } end
  if #fields(status.pauseConditions) > 0 or spec.paused == true then
    return { status = "Suspended", message = "Rollout is paused" }
  end
  if text(status.currentPodHash) == "" then
    return progressing("Waiting for rollout to finish: not reconciled yet")
  end
  local updated = number(status.updatedReplicas, 0)
  if updated < number(spec.replicas, 1) then
    return progressing("Waiting for roll out to finish: More replicas need to be updated")
  end
  if number(status.availableReplicas, 0) < updated then
    return progressing("Waiting for roll out to finish: updated replicas are still becoming available")
  end
  return cutover(updated)
end

-- The annotation sluice.dev/rollback is JSON. What cannot be read is no reason to say less than the status does: then
-- this ends with an error. Of a name that is there twice the last one counts.
local function rollback(s)
  local _

  local function unreadable()
    error("unreadable")
  end

  local function utf8(n)
    if n < 128 then return string.char(n) end
    if n < 2048 then return string.char(192 + math.floor(n / 64), 128 + n % 64) end
    if n < 65536 then
      return string.char(224 + math.floor(n / 4096), 128 + math.floor(n / 64) % 64, 128 + n % 64)
    end
    return string.char(240 + math.floor(n / 262144), 128 + math.floor(n / 4096) % 64,
      128 + math.floor(n / 64) % 64, 128 + n % 64)
  end

  local function unit(i)
    local digits = string.match(s, "^\\u(%x%x%x%x)", i)
    if digits then return tonumber(digits, 16) end
  end

  local function unicode(i)
    local high = unit(i)
    if not high then unreadable() end
    if high < 55296 or high > 57343 then return utf8(high), i + 6 end
    local low = unit(i + 6)
    if high < 56320 and low and low >= 56320 and low <= 57343 then
      return utf8(65536 + (high - 55296) * 1024 + low - 56320), i + 12
    end
    return utf8(65533), i + 6
  end

  local function escape(i)
    local c = string.sub(s, i + 1, i + 1)
    if c == "u" then return unicode(i) end
    if c == "n" then return "\n", i + 2 end
    if c == "t" then return "\t", i + 2 end
    if c == "r" then return "\r", i + 2 end
    if c == "b" then return "\8", i + 2 end
    if c == "f" then return "\12", i + 2 end
    if c == "\"" or c == "\\" or c == "/" then return c, i + 2 end
    unreadable()
  end

  local function readText(i)
    local _, last, whole = string.find(s, "^\"([^\"\\]*)\"", i)
    if last then return whole, last + 1 end
    if string.sub(s, i, i) ~= "\"" then unreadable() end
    i = i + 1
    local out, piece = "", ""
    while true do
      local _, stop, plain = string.find(s, "^([^\"\\]*)[\"\\]", i)
      if not stop then unreadable() end
      out = out .. plain
      if string.sub(s, stop, stop) == "\"" then return out, stop + 1 end
      piece, i = escape(stop)
      out = out .. piece
    end
  end

  -- What stands between brackets, one by one.
  local function each(i, last, one)
    local _, stop = string.find(s, "^[ \t\r\n]*%" .. last, i + 1)
    if stop then return stop + 1 end
    while true do
      i = one(string.find(s, "[^ \t\r\n]", i + 1) or #s + 1)
      i = string.find(s, "[^ \t\r\n]", i) or #s + 1
      local c = string.sub(s, i, i)
      if c == last then return i + 1 end
      if c ~= "," then unreadable() end
    end
  end

  -- Names, and what read makes of the place where each one's value begins: the place after it.
  local function object(i, read)
    return each(i, "}", function(at)
      local name
      name, at = readText(at)
      local _, colon = string.find(s, "^[ \t\r\n]*:[ \t\r\n]*", at)
      if not colon then unreadable() end
      return read(name, colon + 1)
    end)
  end

  -- The kind of a value, and the place after it.
  local function skip(i, depth)
    i = string.find(s, "[^ \t\r\n]", i) or #s + 1
    if depth > 16 then unreadable() end
    local c = string.sub(s, i, i)
    if c == "\"" then
      local _, after = readText(i)
      return "text", after
    end
    local function below(at)
      local _, after = skip(at, depth + 1)
      return after
    end
    if c == "{" then return "object", object(i, function(_, at) return below(at) end) end
    if c == "[" then return "list", each(i, "]", below) end
    local token = string.match(s, "^[%w%.%+%-]+", i)
    if not token then unreadable() end
    if token == "null" then return "null", i + 4 end
    if token ~= "true" and token ~= "false" and not string.find(token, "^%-?%d[%d%.eE%+%-]*$") then unreadable() end
    return "other", i + #token
  end

  -- These give a value, which is nil if it is of another type, and the place after it.

  local function text(i, depth)
    if string.sub(s, i, i) == "\"" then return readText(i) end
    local kind, after = skip(i, depth)
    if kind == "null" then return "", after end
    return nil, after
  end

  local function images(i)
    local all = ""
    if string.sub(s, i, i) ~= "[" then
      local kind, after = skip(i, 3)
      if kind == "null" then return all, after end
      return nil, after
    end
    local several = false
    local after = each(i, "]", function(at)
      local image, behind
      if string.sub(s, at, at) == "\"" then
        image, behind = readText(at)
      else
        _, behind = skip(at, 4)
      end
      if not image then
        all = nil
      elseif all and several then
        all = all .. ", " .. image
      elseif all then
        all = image
      end
      several = true
      return behind
    end)
    return all, after, several
  end

  local function revision(i)
    if string.sub(s, i, i) ~= "{" then
      local kind, after = skip(i, 2)
      if kind == "null" then return "", "", after end
      return nil, nil, after
    end
    local list, some, hash, number = "", false, "", ""
    local after = object(i, function(name, at)
      if name == "images" then
        list, at, some = images(at)
      elseif name == "hash" then
        hash, at = text(at, 3)
      elseif name == "revision" then
        number, at = text(at, 3)
      else
        _, at = skip(at, 3)
      end
      return at
    end)
    if not list or not hash or not number then return nil, nil, after end
    local inside = hash
    if number ~= "" then inside = inside .. ", revision " .. number end
    if some then inside = list .. " (" .. inside .. ")" end
    return inside, hash, after
  end

  local wanted, hash, serving = "", "", ""
  local run, metric, value, condition, message, since = "", "", "", "", "", ""
  local i = string.find(s, "[^ \t\r\n]")
  if not i or string.sub(s, i, i) ~= "{" then unreadable() end
  i = object(i, function(name, at)
    if name == "wanted" then
      wanted, hash, at = revision(at)
    elseif name == "serving" then
      serving, _, at = revision(at)
    elseif name == "analysisRun" then
      run, at = text(at, 2)
    elseif name == "metric" then
      metric, at = text(at, 2)
    elseif name == "value" then
      value, at = text(at, 2)
    elseif name == "condition" then
      condition, at = text(at, 2)
    elseif name == "message" then
      message, at = text(at, 2)
    elseif name == "since" then
      since, at = text(at, 2)
    else
      _, at = skip(at, 2)
    end
    return at
  end)
  if string.find(s, "[^ \t\r\n]", i) then unreadable() end
  if not (wanted and serving and run and metric and value and condition and message and since) then unreadable() end
  if since ~= "" and not string.find(since, "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$") then unreadable() end

  local why = message
  if run ~= "" then
    why = "AnalysisRun " .. run
    if metric ~= "" then why = why .. ": metric " .. metric end
    if value ~= "" then why = why .. " measured " .. value end
    if condition ~= "" then why = why .. ", condition " .. condition end
  end
  local out = "rolled back: " .. wanted .. " is wanted, " .. serving .. " serves"
  if why ~= "" then out = out .. "; " .. why end
  if since ~= "" then out = out .. "; since " .. since end
  return out, hash
end

local health = assess()
local details = text(annotations["sluice.dev/rollback"])
if health.status == "Degraded" and details ~= "" then
  local read, message, hash = pcall(rollback, details)
  -- Details of another revision than the current one are a leftover.
  if read and hash == text(status.currentPodHash) then health.message = message end
end
return health
