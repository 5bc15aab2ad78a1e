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

-- The annotation sluice.dev/rollback is JSON. What cannot be read is no reason to say less than the status does.

local function rollback(s)
  local function unreadable()
    error("unreadable")
  end

  local function skip(s, i)
    return string.find(s, "[^ \t\r\n]", i) or #s + 1
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

  local function unit(s, i)
    local digits = string.match(s, "^\\u(%x%x%x%x)", i)
    if digits then return tonumber(digits, 16) end
  end

  local function unicode(s, i)
    local high = unit(s, i)
    if not high then unreadable() end
    if high < 55296 or high > 57343 then return utf8(high), i + 6 end
    local low = unit(s, i + 6)
    if high < 56320 and low and low >= 56320 and low <= 57343 then
      return utf8(65536 + (high - 55296) * 1024 + low - 56320), i + 12
    end
    return utf8(65533), i + 6
  end

  local function escape(s, i)
    local c = string.sub(s, i + 1, i + 1)
    if c == "u" then return unicode(s, i) end
    if c == "n" then return "\n", i + 2 end
    if c == "t" then return "\t", i + 2 end
    if c == "r" then return "\r", i + 2 end
    if c == "b" then return "\8", i + 2 end
    if c == "f" then return "\12", i + 2 end
    if c == "\"" or c == "\\" or c == "/" then return c, i + 2 end
    unreadable()
  end

  local function readText(s, i)
    if string.sub(s, i, i) ~= "\"" then unreadable() end
    i = i + 1
    local out = {}
    while true do
      local j = string.find(s, "[\"\\]", i)
      if not j then unreadable() end
      table.insert(out, string.sub(s, i, j - 1))
      if string.sub(s, j, j) == "\"" then return table.concat(out), j + 1 end
      local piece
      piece, i = escape(s, j)
      table.insert(out, piece)
    end
  end

  local readValue

  -- A document of names and values, or a list: what stands between the brackets, one by one.
  local function readEach(s, i, last, each)
    i = skip(s, i + 1)
    if string.sub(s, i, i) == last then return i + 1 end
    while true do
      i = skip(s, each(i))
      local c = string.sub(s, i, i)
      if c == last then return i + 1 end
      if c ~= "," then unreadable() end
      i = skip(s, i + 1)
    end
  end

  readValue = function(s, i, depth)
    if depth > 16 then unreadable() end
    i = skip(s, i)
    local c = string.sub(s, i, i)
    local value
    if c == "\"" then
      value, i = readText(s, i)
      return { text = value }, i
    end
    if c == "{" then
      local named = {}
      i = readEach(s, i, "}", function(at)
        local name
        name, at = readText(s, at)
        at = skip(s, at)
        if string.sub(s, at, at) ~= ":" then unreadable() end
        value, at = readValue(s, at + 1, depth + 1)
        table.insert(named, { name = name, value = value })
        return at
      end)
      return { fields = named }, i
    end
    if c == "[" then
      local list = {}
      i = readEach(s, i, "]", function(at)
        value, at = readValue(s, at, depth + 1)
        table.insert(list, value)
        return at
      end)
      return { list = list }, i
    end
    local token = string.match(s, "^[%w%.%+%-]+", i)
    if not token then unreadable() end
    if token == "null" then return { null = true }, i + 4 end
    if token ~= "true" and token ~= "false" and not string.find(token, "^%-?%d[%d%.eE%+%-]*$") then unreadable() end
    return { other = true }, i + #token
  end

  local function textOf(value)
    if value == nil or value.null then return "" end
    if not value.text then unreadable() end
    return value.text
  end

  local function fieldsOf(value)
    if value == nil or value.null then return {} end
    if not value.fields then unreadable() end
    return value.fields
  end

  local function field(document, name)
    local found
    for _, entry in ipairs(document) do
      if entry.name == name then found = entry.value end
    end
    return found
  end

  local function imagesOf(value)
    local images = {}
    if value == nil or value.null then return images end
    if not value.list then unreadable() end
    for _, image in ipairs(value.list) do
      if not image.text then unreadable() end
      table.insert(images, image.text)
    end
    return images
  end

  local function revision(value)
    local r = fieldsOf(value)
    local images, hash, revision = imagesOf(field(r, "images")), textOf(field(r, "hash")), textOf(field(r, "revision"))
    local inside = hash
    if revision ~= "" then inside = inside .. ", revision " .. revision end
    if #images == 0 then return inside, hash end
    return table.concat(images, ", ") .. " (" .. inside .. ")", hash
  end

  local function reason(r)
    local run, metric, value = textOf(field(r, "analysisRun")), textOf(field(r, "metric")), textOf(field(r, "value"))
    local condition, message = textOf(field(r, "condition")), textOf(field(r, "message"))
    if run == "" then return message end
    local out = "AnalysisRun " .. run
    if metric ~= "" then out = out .. ": metric " .. metric end
    if value ~= "" then out = out .. " measured " .. value end
    if condition ~= "" then out = out .. ", condition " .. condition end
    return out
  end

  local value, i = readValue(s, 1, 1)
  if not value.fields or skip(s, i) <= #s then unreadable() end
  local r = value.fields
  local wanted, hash = revision(field(r, "wanted"))
  local out = "rolled back: " .. wanted .. " is wanted, " .. revision(field(r, "serving")) .. " serves"
  local why, since = reason(r), textOf(field(r, "since"))
  if since ~= "" and not string.find(since, "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$") then unreadable() end
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
