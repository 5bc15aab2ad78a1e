package lua_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluice-delivery/sluice/health"
	"github.com/sluice-delivery/sluice/health/lua"
)

// ask runs a script with little room and says how it ended, how long it took, and what it allocated.
func ask(t *testing.T, limits lua.Limits, text string) (h health.Health, took time.Duration, allocated uint64, err error) {
	t.Helper()
	host := lua.New(limits)
	script := lua.Script{Text: text, OpenLibs: true}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	h, err = host.Health(ctx, script, map[string]any{"metadata": map[string]any{"name": "a"}}, noon)
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	return h, took, after.TotalAlloc - before.TotalAlloc, err
}

// Each of these ends, in about a second at most, without taking more memory than it may, and is told so.
func TestHostileScripts(t *testing.T) {
	deep := strings.Repeat("{", 60_000) + "1" + strings.Repeat("}", 60_000)
	cases := map[string]struct{ text, says string }{
		"a loop without end":                        {`while true do end`, "limit exceeded"},
		"a loop that catches its end":               {`while true do pcall(function() while true do end end) end`, "limit exceeded"},
		"a handler that goes on":                    {`while true do xpcall(function() while true do end end, function() while true do end end) end`, "limit exceeded"},
		"a loop in a coroutine":                     {`coroutine.wrap(function() while true do end end)()`, "limit exceeded"},
		"a loop in a coroutine that is caught":      {`local c = coroutine.create(function() while true do end end) while true do coroutine.resume(c) end`, "limit exceeded"},
		"coroutines in coroutines":                  {`local function f() coroutine.wrap(f)() end f()`, ""},
		"coroutines without end":                    {`local all = {} while true do all[#all+1] = coroutine.create(function() end) end`, "memory limit exceeded"},
		"deep recursion":                            {`local function f() return 1 + f() end return f()`, "stack overflow"},
		"deep recursion through a metatable":        {`local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k .. 1] end return t.x`, ""},
		"tail calls without end":                    {`local function f() return f() end return f()`, "limit exceeded"},
		"a string that doubles":                     {`local s = "x" while true do s = s .. s end`, "memory limit exceeded"},
		"a string that doubles, caught":             {`local s = "x" while true do pcall(function() s = s .. s end) end`, "memory limit exceeded"},
		"a string of many operands":                 {`local s = ("x"):rep(1e6) while true do s = s..s..s..s..s..s..s..s end`, "memory limit exceeded"},
		"string.rep":                                {`return ("x"):rep(1e12)`, "memory limit exceeded"},
		"string.rep of much, overflowing":           {`return ("xxxxxxxxxxxxxxxx"):rep(2^60)`, "memory limit exceeded"},
		"string.format with a width":                {`local t = {} while true do t[#t+1] = string.format("%999999d", 1) end`, "memory limit exceeded"},
		"string.format of one argument often":       {`return string.format(("%[1]s"):rep(1e5), ("x"):rep(1e5))`, "memory limit exceeded"},
		"table.concat of one string often":          {`local s, t = ("x"):rep(1e5), {} for i = 1, 2000 do t[i] = s end return table.concat(t)`, "memory limit exceeded"},
		"gsub that grows":                           {`return (("x"):rep(1e5):gsub("x", ("y"):rep(1e4)))`, "memory limit exceeded"},
		"gsub with captures that grow":              {`return (("x"):rep(1e4):gsub("(.*)", ("%1"):rep(1e5)))`, "memory limit exceeded"},
		"upper, for ever":                           {`local t, s = {}, ("x"):rep(1e5) while true do t[#t+1] = s:upper() end`, "memory limit exceeded"},
		"a table that is filled":                    {`local t = {} local i = 0 while true do i = i + 1 t[i] = i end`, "memory limit exceeded"},
		"a table with an index far off":             {`local t = {} t[60000000] = 1`, "memory limit exceeded"},
		"a table with an index far off, in it":      {`local t = {[60000000] = 1}`, "memory limit exceeded"},
		"rawset far off":                            {`rawset({}, 60000000, 1)`, "memory limit exceeded"},
		"table.insert far off":                      {`table.insert({}, 60000000, 1)`, "memory limit exceeded"},
		"far off behind a metatable":                {`local real = {} local t = setmetatable({}, {__newindex = real}) t[60000000] = 1`, "memory limit exceeded"},
		"far off, two at once":                      {`local a, b = {}, {} a[60000000], b[1] = 1, 2`, "memory limit exceeded"},
		"tables of texts without end":               {`local t = {} local i = 0 while true do i = i + 1 t["k" .. i] = true end`, "memory limit exceeded"},
		"tables in tables without end":              {`local t = {} while true do t = {next = t, other = {}} end`, "memory limit exceeded"},
		"closures without end":                      {`local t = nil while true do local u, v, w = t, {}, 1 t = function() return u, v, w end end`, "memory limit exceeded"},
		"named closures without end":                {`local t = nil while true do local u = t local function f() return u end t = f end`, "memory limit exceeded"},
		"arguments as a table without end":          {`local function f(...) local a = arg a.p = last last = a end local t = {} for i = 1, 2000 do t[i] = i end while true do f(unpack(t)) end`, "memory limit exceeded"},
		"unpack of what is not there":               {`return unpack({}, 1, 1e9)`, "registry overflow"},
		"a pattern that explodes":                   {`return (("a?"):rep(30) .. ("a"):rep(30)):len() .. tostring(("a"):rep(30):find(("a?"):rep(30) .. ("a"):rep(30)))`, "limit exceeded"},
		"a pattern that explodes with a star":       {`return ("a"):rep(3000):find(("a*"):rep(20) .. "b")`, "limit exceeded"},
		"a pattern over much, lazily":               {`return ("a"):rep(1e6):find(".-.-.-b")`, "limit exceeded"},
		"a pattern of many brackets":                {`return ("a"):find(("("):rep(8000) .. "a" .. (")"):rep(8000))`, ""},
		"a pattern that is too long":                {`return ("a"):find(("a"):rep(100000))`, "pattern has more"},
		"braces without end in the text":            {`return ` + deep, "nested too deeply"},
		"negations without end in the text":         {`return ` + strings.Repeat("not ", 30_000) + "1", "nested too deeply"},
		"sums without end in the text":              {`return 1` + strings.Repeat("+x", 60_000), "nested too deeply"},
		"texts joined without end in the text":      {`return x` + strings.Repeat("..x", 40_000), "compile"},
		"calls without end in the text":             {`return x` + strings.Repeat("()", 60_000), "nested too deeply"},
		"conditions without end in the text":        {`if x then` + strings.Repeat(" elseif x then", 8_000) + " end", "nested too deeply"},
		"brackets without end in a text of its own": {`assert(loadstring("return " .. ("("):rep(100000) .. "1" .. (")"):rep(100000)))()`, ""},
		"compiling without end":                     {`while true do loadstring("return 1") end`, "limit exceeded"},
		"load fed without end":                      {`load(function() return "x" end)`, "limit exceeded"},
		"a result that holds itself":                {`local t = {} t.status = t return t`, "recursively"},
		"a result that doubles":                     {`local t = {} for i = 1, 40 do t = {t, t} end return {status = t}`, "more than"},
		"a result that is deep":                     {`local t = {} for i = 1, 3000 do t = {t} end return {status = t}`, "deep"},
		"moving a large table, for ever":            {`local t = {} for i = 1, 100000 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end`, "limit exceeded"},
		"sorting by chance":                         {`local t = {} for i = 1, 10000 do t[i] = i end while true do table.sort(t, function(a, b) return math.random() < 0.5 end) end`, "limit exceeded"},
		"an infinite chain of __index":              {`local t = {} setmetatable(t, {__index = t}) t = setmetatable({}, getmetatable(t)) getmetatable(t).__index = t return t.x`, "too many recursions"},
		"tostring that calls itself":                {`local t t = setmetatable({}, {__tostring = function() return tostring(t) end}) return tostring(t)`, ""},
		"concat that calls itself":                  {`local t t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t`, ""},
		"sizes that are no numbers":                 {`return ("x"):rep(0/0), ("x"):rep(-1/0), ("x"):sub(0/0, 1/0)`, ""},
	}
	limits := lua.Limits{Instructions: 2_000_000, Memory: 16 << 20}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h, took, allocated, err := ask(t, limits, c.text)
			if err == nil && c.says != "" {
				t.Fatalf("it ended well: %v", h)
			}
			if c.says != "" && !strings.Contains(err.Error(), c.says) && !errors.Is(err, context.DeadlineExceeded) &&
				!(strings.Contains(err.Error(), "deadline exceeded") && strings.Contains(c.says, "limit")) {
				t.Errorf("it says: %.200s", err)
			}
			if err != nil && (h.Status != health.Unknown || h.Message != err.Error()) {
				t.Errorf("an error became %v", h)
			}
			if took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			// What is counted, beside numbers, calls and the compiler, of which little is alive at a time.
			if bound := uint64(limits.Memory + limits.Instructions*64); allocated > bound {
				t.Errorf("it allocated %d MB, more than %d", allocated>>20, bound>>20)
			}
			t.Logf("%s, %d kB: %.60v", took.Round(time.Millisecond), allocated>>10, err)
		})
	}
}

// The doubling string, measured: the largest heap in use at any instant, beside the bound.
func TestMemoryIsBoundedAgainstDoubling(t *testing.T) {
	for _, megabytes := range []int{1, 8, 64} {
		t.Run(fmt.Sprint(megabytes, " MB"), func(t *testing.T) {
			_, _, allocated, err := ask(t, lua.Limits{Memory: megabytes << 20}, `local s = "x" while true do s = s .. s end`)
			if err == nil || !strings.Contains(err.Error(), lua.ErrMemory.Error()) {
				t.Fatal(err)
			}
			if allocated > uint64(megabytes<<20)+1<<20 {
				t.Errorf("allocated %d bytes", allocated)
			}
			t.Logf("allocated in all: %d kB", allocated>>10)
		})
	}
}

func TestInstructionsAreCountedExactly(t *testing.T) {
	// A numeric loop is one instruction a turn; the least limit under which a script ends is what it takes.
	least := func(turns int) int {
		text := fmt.Sprintf(`for i = 1, %d do end`, turns)
		low, high := 1, 1_000_000
		for low < high {
			middle := (low + high) / 2
			if _, err := lua.New(lua.Limits{Instructions: middle}).Health(context.Background(), lua.Script{Text: text}, nil, noon); err != nil {
				low = middle + 1
			} else {
				high = middle
			}
		}
		return low
	}
	few, more := least(10), least(1010)
	if more-few != 1000 {
		t.Errorf("1000 more turns took %d more instructions", more-few)
	}
	if few < 10 || few > 20 {
		t.Errorf("ten turns took %d instructions", few)
	}
}

func TestTheWallIsKept(t *testing.T) {
	host := lua.New(lua.Limits{Instructions: 1 << 40})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	h, err := host.Health(ctx, lua.Script{Text: `while true do end`}, nil, noon)
	if err == nil || h.Status != health.Unknown || !strings.Contains(h.Message, "context deadline exceeded") {
		t.Error(h, err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Error(took)
	}
}
