-- Which actions a Rollout offers now. An object without a status offers those that need none.

local status, spec = obj.status or {}, obj.spec or {}
local canary = (spec.strategy or {}).canary or {}
local steps = #(canary.steps or {})

local moving = status.currentPodHash ~= status.stableRS
local aborted = status.abort == true
local waits = status.pauseConditions ~= nil and #status.pauseConditions > 0
local paused = waits or (status.pauseConditions == nil and spec.paused == true)

return {
  ["restart"] = { disabled = false, displayName = "Restart Pods", iconClass = "fa fa-fw fa-redo" },
  ["resume"] = { disabled = not paused, displayName = "Resume", iconClass = "fa fa-fw fa-play" },
  ["pause"] = { disabled = not moving or aborted or paused or spec.paused == true, displayName = "Pause", iconClass = "fa fa-fw fa-pause" },
  ["abort"] = { disabled = not moving or aborted, displayName = "Abort", iconClass = "fa fa-fw fa-times-circle" },
  ["retry"] = { disabled = not moving or not aborted, displayName = "Retry", iconClass = "fa fa-fw fa-history" },
  ["promote-full"] = { disabled = not moving, displayName = "Promote Full", iconClass = "fa fa-fw fa-forward" },
  ["skip-current-step"] = {
    disabled = obj.status == nil or steps == 0 or (status.currentStepIndex or 0) >= steps,
    displayName = "Skip Current Step",
    iconClass = "fa fa-fw fa-step-forward",
  },
}
