package lua_test

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-delivery/sluice/health/lua"
)

// says runs a script that returns what it sees as a message.
func says(host *lua.Host, text string, open bool, object map[string]any) string {
	h, err := host.Health(context.Background(), lua.Script{Text: text, OpenLibs: open}, object, noon)
	if err != nil {
		return "error: " + strings.SplitN(err.Error(), "\n", 2)[0]
	}
	return string(h.Status) + " " + h.Message
}

// One script leaves something behind, wherever it can reach; another one looks for it, before and after.
func TestRunsShareNothing(t *testing.T) {
	leave := map[string]string{
		"a global":                    `x = 1`,
		"a global that was there":     `type = function() return "mine" end tostring = nil`,
		"a global through _G":         `_G.x = 1 rawset(_G, "y", 2)`,
		"a global through getfenv":    `getfenv().x = 1 getfenv(0).y = 2`,
		"a metatable of globals":      `setmetatable(_G, {__index = function() return "mine" end})`,
		"another environment":         `setfenv(0, {x = 1})`,
		"a field of a library":        `table.x = 1 table.concat = nil`,
		"a field of string":           `if string then string.x = 1 string.rep = nil end`,
		"string through a string":     `if string then local s = ("").__index if s then s.x = 1 end end`,
		"a metatable of strings":      `local m = getmetatable("") if m then m.__index = function() return "mine" end m.x = 1 end`,
		"a metatable by debug":        `if debug then pcall(debug.setmetatable, "", {__index = function() return "mine" end}) pcall(debug.setmetatable, 1, {__index = {x = 1}}) end`,
		"a loaded package":            `package.loaded.x = {1} package.preload.x = function() return {1} end`,
		"another os":                  `local os = require("os") os.time = function() return 1 end os.x = 1`,
		"another os in package":       `package.loaded.os = {time = function() return 1 end}`,
		"a module":                    `module("x", package.seeall) y = 1`,
		"the object":                  `obj.x = 1 obj.metadata.x = 1 obj.status = {x = 1} obj.list[5] = 1 table.insert(obj.list, 9) obj[1] = 1 obj[true] = 1`,
		"the object, by name alone":   `obj.x = 1 obj.metadata.x = 1 obj.status = {x = 1} table.insert(obj.list, 9)`,
		"a metatable of the object":   `setmetatable(obj, {__index = function() return "mine" end})`,
		"a function's environment":    `pcall(setfenv, print, {x = 1}) pcall(setfenv, tostring, {})`,
		"a coroutine that goes on":    `if coroutine then c = coroutine.create(function() coroutine.yield(1) end) coroutine.resume(c) end`,
		"a field of math":             `if math then math.floor = nil math.randomseed(5) math.random() end`,
		"a function by its name":      `function table.x() end`,
		"a function by another name":  `local t = table function t.x() end`,
		"through a loop over globals": `for k, v in pairs(_G) do if type(v) == "table" and v ~= _G then v.x = 1 end end`,
		"through an error":            `x = 1 obj.x = 1 error("gone")`,
		"by loading text":             `loadstring("x = 1 table.x = 2")()`,
	}
	look := map[string]string{
		"by name":    `local s = "" for _, v in ipairs({type(x), type(y), type(c), type(type), type(tostring), type(table.x), type(table.concat), type(obj.x), type(obj.metadata.x), type(obj.status), #obj.list, type(obj.list[5])}) do s = s .. v .. " " end return {status = "Healthy", message = s .. require("os").time()}`,
		"of strings": `if not string then return {status = "Healthy"} end return {status = "Healthy", message = type(string.x) .. type(string.rep) .. type(("").x) .. type(("").rep) .. type(math.floor) .. math.random()}`,
		"everywhere": `
			local names, seen = {}, {}
			local function walk(prefix, t, depth)
				if seen[t] or depth > 3 then return end
				seen[t] = true
				for k, v in pairs(t) do
					names[#names + 1] = prefix .. tostring(k) .. "=" .. type(v)
					if type(v) == "table" then walk(prefix .. tostring(k) .. ".", v, depth + 1) end
				end
				local m = getmetatable(t)
				if m then names[#names + 1] = prefix .. "(meta)" end
			end
			walk("", _G, 0)
			local m = getmetatable("")
			if m then walk("string:", m, 0) end
			names[#names + 1] = type((1).x and 1 or nil)
			table.sort(names)
			return {status = "Healthy", message = table.concat(names, " ")}`,
	}
	look["everywhere"] = strings.Replace(look["everywhere"], `names[#names + 1] = type((1).x and 1 or nil)`, ``, 1)
	object := func() map[string]any {
		return map[string]any{"metadata": map[string]any{"name": "a"}, "list": []any{int64(1), int64(2)}}
	}
	for _, open := range []bool{false, true} {
		for what, left := range leave {
			t.Run(fmt.Sprintf("%s, open %v", what, open), func(t *testing.T) {
				host := lua.New(lua.Limits{})
				for how, text := range look {
					before := says(lua.New(lua.Limits{}), text, open, object())
					if strings.HasPrefix(before, "error") || !strings.HasPrefix(before, "Healthy") {
						t.Fatal(how, before)
					}
					for range 3 {
						says(host, left, open, object())
						says(host, left+" return {status = 'Healthy'}", open, object())
						if after := says(host, text, open, object()); after != before {
							t.Errorf("looking %s\nbefore %s\nafter  %s", how, before, after)
						}
					}
				}
			})
		}
	}
}

func TestManyAtOnceDoNotMeet(t *testing.T) {
	host := lua.New(lua.Limits{})
	script := shipped(t, "Rollout")
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for i := range 200 {
				message := fmt.Sprintf("message %d of %d", i, worker)
				object := map[string]any{"status": map[string]any{"phase": "Progressing", "message": message}}
				if got := says(host, script.Text, true, object); got != "Progressing "+message {
					t.Errorf("worker %d got %q", worker, got)
					return
				}
			}
		})
	}
	wait.Wait()
}

// A script that could read anything gets everything: the same script, made such by a word that changes nothing else.
func TestNobodySeesWhatIsLeftOut(t *testing.T) {
	scripts := map[string]string{
		"ours":               shipped(t, "Rollout").Text,
		"of a run":           shipped(t, "AnalysisRun").Text,
		"with a loop":        `hs = {status = "Progressing", message = "none"} if obj.status ~= nil and type(obj.status) == "table" and type(obj.status.conditions) == "table" then for i, c in ipairs(obj.status.conditions) do if type(c) == "table" and c.type == "Progressing" then hs.message = i .. tostring(c.reason) .. type(obj.status.conditions[i]) end end end return hs`,
		"with a count":       `local n = 0 if type(obj.status) == "table" and type(obj.status.conditions) == "table" then n = #obj.status.conditions local last = obj.status.conditions[#obj.status.conditions] if type(last) == "table" then n = n .. type(last.message) end end return {status = "Healthy", message = "" .. n}`,
		"that gives the lot": `return obj`,
		"that gives a part":  `return obj.status`,
		"of metadata":        `return obj.metadata`,
		"of strategy":        `if type(obj.spec) == "table" then return obj.spec.strategy end return {message = obj.spec}`,
		"by a computed name": `local k = "st" .. "atus" return obj[k]`,
		"by a parameter":     `local function at(t, k) if type(t) == "table" then return t[k] end end return {status = "Healthy", message = type(at(obj.status, "phase")) .. type(at(obj.spec, "paused"))}`,
		"by a loop variable": `local n = 0 for _, k in ipairs({"spec", "status", "x"}) do if obj[k] then n = n + 1 end end return {status = "Healthy", message = "" .. n}`,
		"by a shadowed name": `local t = "" for i = 1, 2 do local i = "status" t = t .. type(obj[i]) end return {status = "Healthy", message = t}`,
		"through gsub":       `return {status = "Healthy", message = (("kind"):gsub("%a+", obj))}`,
		"through gsub again": `local g = ("").gsub return {status = "Healthy", message = (g("kind", "%a+", obj))}`,
		"through next":       `return {status = "Healthy", message = tostring(next(obj.metadata) ~= nil)}`,
		"through rawget":     `return {status = "Healthy", message = type(rawget(obj, "k" .. "ind"))}`,
		"with another type":  `local ipairs = function() return function(_, i) if not i then return "kind" end end end local t = "" for k in ipairs(obj) do t = t .. type(obj[k]) end return {status = "Healthy", message = t}`,
	}
	host := lua.New(lua.Limits{})
	for name, text := range scripts {
		t.Run(name, func(t *testing.T) {
			answers := map[string]bool{}
			for seed := range int64(400) {
				object := chance{rand.New(rand.NewSource(seed)), int(seed % 12)}.object("Rollout")
				got, want := says(host, text, true, object), says(host, "local everything = pairs "+text, true, object)
				if got != want {
					t.Fatalf("%v\ngot  %s\nwant %s", object, got, want)
				}
				answers[got] = true
			}
			t.Logf("%d answers", len(answers))
		})
	}
}
