package sluice_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/sluice-delivery/sluice"

// rings says which ring a folder and everything below it belongs to; the longest prefix counts.
// A folder that is not here has no place in the architecture yet.
var rings = map[string]int{
	"api/v1alpha1": 0,
	"rollout":      1, "experiment": 1, "health": 1, "render": 1,
	"analysis": 1, "analysis/provider": 2,
	"traffic": 1, "traffic/": 2,
	"sync": 1, "sync/engine": 2, "sync/git": 2,
	"notifications": 1, "notifications/deliver": 2,
	"dashboard": 3, "internal": 3,
	"cmd":  4,
	"test": 5, // test programs: they may import everything but cmd, and nothing imports them
}

// libraries are what rings 0 and 1 may import beside the standard library, and where.
var libraries = map[string][]string{
	"api/v1alpha1":       {"k8s.io/api/", "k8s.io/apimachinery/"},
	"rollout":            {"k8s.io/api/", "k8s.io/apimachinery/"},
	"experiment":         {"k8s.io/api/", "k8s.io/apimachinery/"},
	"analysis":           {"k8s.io/api/", "k8s.io/apimachinery/"},
	"analysis/condition": {"github.com/expr-lang/expr"},
	"traffic":            {"k8s.io/api/", "k8s.io/apimachinery/"},
	"health":             {"k8s.io/api/", "k8s.io/apimachinery/", "github.com/yuin/gopher-lua"},
	"render":             {"k8s.io/api/", "k8s.io/apimachinery/", "sigs.k8s.io/kustomize/", "sigs.k8s.io/yaml"},
	"sync":               {"k8s.io/api/", "k8s.io/apimachinery/"},
	"notifications":      {"k8s.io/api/", "k8s.io/apimachinery/"},
}

// outside are the parts of the standard library that rings 0 and 1 may not import: with them a decision
// is no function any more.
var outside = []string{"net", "net/http", "os", "os/exec", "os/signal", "syscall", "log", "log/slog",
	"math/rand", "math/rand/v2", "crypto/rand", "io/ioutil", "plugin"}

// impure are names that rings 0 and 1 may not use although they may import the package.
var impure = map[string]string{
	"time":                                 "Now Since Until After AfterFunc Tick NewTimer NewTicker Sleep",
	"context":                              "Background TODO",
	"k8s.io/apimachinery/pkg/apis/meta/v1": "Now",
	"k8s.io/apimachinery/pkg/util/rand":    "Int Intn IntnRange Int63nRange Perm Seed String",
	"k8s.io/apimachinery/pkg/util/uuid":    "NewUUID",
}

// family is the entry of a table that a folder falls under. A key that ends in / means only what is below it.
func family[V any](table map[string]V, folder string) (key string, value V, found bool) {
	for k, v := range table {
		if (folder == k || strings.HasPrefix(folder, strings.TrimSuffix(k, "/")+"/")) && len(k) >= len(key) {
			key, value, found = k, v, true
		}
	}
	return key, value, found
}

// importError says why a package in one folder may not import another package; nil when it may.
func importError(folder, path string) error {
	_, from, known := family(rings, folder)
	if !known {
		return fmt.Errorf("%s has no ring: give it one in rings_test.go", folder)
	}
	target, ours := strings.CutPrefix(path, module+"/")
	if !ours {
		return libraryError(folder, from, path)
	}
	parent, to, known := family(rings, target)
	below := strings.HasPrefix(folder, target+"/")
	switch {
	case !known:
		return fmt.Errorf("%s has no ring: give it one in rings_test.go", target)
	case to == 4 || to == 5 && from != 5:
		return fmt.Errorf("nobody imports %s", target)
	case from < to:
		return fmt.Errorf("ring %d may not import ring %d", from, to)
	case from == 2 && to == 2 && !below:
		return errors.New("adapters do not know each other")
	case from == 3 && to == 2 && (parent == "analysis/provider" && target != parent || parent == "traffic/") && folder != "internal/catalog":
		return errors.New("adapters are reached through internal/catalog")
	case from == 4 && to != 3:
		return fmt.Errorf("a command imports ring 3 alone, not ring %d", to)
	case from == 1 && (folder == "rollout/canary" && target == "rollout/bluegreen" || folder == "rollout/bluegreen" && target == "rollout/canary"):
		return errors.New("strategies do not know each other")
	case from == 1 && to == 1 && below && folder != target && strings.HasPrefix(folder, "rollout/"):
		return errors.New("never upwards")
	}
	return nil
}

// libraryError judges what is not ours.
func libraryError(folder string, ring int, path string) error {
	if ring > 1 {
		return nil
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") {
		for _, bad := range outside {
			if path == bad {
				return fmt.Errorf("ring %d may not import it", ring)
			}
		}
		return nil
	}
	for parent := folder; parent != "."; parent = filepath.Dir(parent) {
		for _, good := range libraries[parent] {
			if strings.HasPrefix(path, good) {
				return nil
			}
		}
	}
	return fmt.Errorf("ring %d may not import this library", ring)
}

// impurities finds what makes a decision depend on more than its arguments.
func impurities(file *ast.File, position func(token.Pos) token.Position) []string {
	paths, found := map[string]string{}, []string{}
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		name := path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		paths[name] = path
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && x.Obj == nil && strings.Contains(" "+impure[paths[x.Name]]+" ", " "+n.Sel.Name+" ") {
				found = append(found, fmt.Sprintf("%s: %s.%s", position(n.Pos()), x.Name, n.Sel.Name))
			}
		case *ast.FuncDecl:
			if n.Recv == nil && strings.HasPrefix(n.Name.Name, "Set") && n.Type.Results == nil && n.Type.Params.NumFields() < 2 {
				found = append(found, fmt.Sprintf("%s: package-level setter %s", position(n.Pos()), n.Name.Name))
			}
		}
		return true
	})
	return found
}

// listed is what go list says about one of our packages. Imports are the direct ones, without those of tests.
type listed struct {
	Dir, ImportPath  string
	GoFiles, Imports []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-json=Dir,ImportPath,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatal("go list: ", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var one listed
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal("go list: ", err)
		}
		if len(one.GoFiles) > 0 {
			all = append(all, one)
		}
	}
}

func TestRings(t *testing.T) {
	for _, p := range packages(t) {
		folder := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, path := range p.Imports {
			if err := importError(folder, path); err != nil {
				t.Errorf("%s imports %s: %v", folder, path, err)
			}
		}
		_, ring, known := family(rings, folder)
		if !known {
			t.Errorf("%s has no ring: give it one in rings_test.go", folder)
		}
		for _, name := range p.GoFiles {
			if ring > 1 {
				break
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Error(err)
				continue
			}
			for _, found := range impurities(file, files.Position) {
				t.Errorf("ring %d: %s", ring, found)
			}
		}
	}
}

func TestRingsSeesAnImportThatIsForbidden(t *testing.T) {
	cases := map[string]struct {
		folder, path string
		allowed      bool
	}{
		"the API knows apimachinery":                         {"api/v1alpha1", "k8s.io/apimachinery/pkg/types", true},
		"the API knows no client":                            {"api/v1alpha1", "k8s.io/client-go/rest", false},
		"the API knows no decision":                          {"api/v1alpha1", module + "/rollout", false},
		"the planner knows the canary":                       {"rollout", module + "/rollout/canary", true},
		"the planner logs nothing":                           {"rollout/plan", "log/slog", false},
		"the planner reads no file":                          {"rollout", "os", false},
		"a decision knows no shell":                          {"rollout", module + "/internal/kube", false},
		"strategies do not know each other":                  {"rollout/canary", module + "/rollout/bluegreen", false},
		"a part of the planner does not look up":             {"rollout/plan", module + "/rollout", false},
		"only conditions know the expression library":        {"analysis", "github.com/expr-lang/expr", false},
		"conditions know the expression library":             {"analysis/condition", "github.com/expr-lang/expr/vm", true},
		"health knows Lua":                                   {"health", "github.com/yuin/gopher-lua", true},
		"an adapter knows its parent":                        {"analysis/provider/web", module + "/analysis/provider", true},
		"an adapter knows a client":                          {"traffic/nginx", "k8s.io/client-go/dynamic", true},
		"adapters do not know each other":                    {"traffic/nginx", module + "/traffic/istio", false},
		"adapters know no shell":                             {"sync/engine", module + "/internal/agent", false},
		"the shell knows no concrete router":                 {"internal/controller", module + "/traffic/nginx", false},
		"the catalog knows concrete routers":                 {"internal/catalog", module + "/traffic/nginx", true},
		"the shell knows the port":                           {"internal/controller", module + "/analysis/provider", true},
		"the shell knows the engine":                         {"internal/agent", module + "/sync/engine", true},
		"the shell knows no command":                         {"internal/cli", module + "/cmd/gitops-agent", false},
		"a command knows the shell":                          {"cmd/gitops-agent", module + "/internal/agent", true},
		"a command knows no decision":                        {"cmd/gitops-agent", module + "/rollout", false},
		"nobody imports tests":                               {"internal/agent", module + "/test/simulation", false},
		"a folder that the architecture lacks":               {"util", "fmt", false},
		"a folder that the architecture lacks, as a target":  {"rollout", module + "/common", false},
		"a simulation knows the decisions":                   {"test/simulation", module + "/rollout", true},
		"a folder whose name only begins like a known one":   {"rollouts", "fmt", false},
		"the notifications engine is known to deliver alone": {"notifications", "github.com/argoproj/notifications-engine/pkg", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := importError(c.folder, c.path); (err == nil) != c.allowed {
				t.Errorf("%s imports %s: %v", c.folder, c.path, err)
			}
		})
	}
}

func TestRingsSeesAnImpureName(t *testing.T) {
	cases := map[string]struct {
		source string
		finds  int
	}{
		"the clock":                      {`import "time"; var _ = time.Now()`, 1},
		"the clock under another name":   {`import clock "time"; var _ = clock.Since(x)`, 1},
		"the clock of apimachinery":      {`import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"; var _ = metav1.Now()`, 1},
		"a function that is not called":  {`import "time"; var now = time.Now`, 1},
		"a context out of nothing":       {`import "context"; func f() { g(context.Background(), context.TODO()) }`, 2},
		"chance":                         {`import "k8s.io/apimachinery/pkg/util/rand"; var _ = rand.String(5)`, 1},
		"a setter":                       {`func SetDefaults(x int) { y = x }`, 1},
		"a duration":                     {`import "time"; var _ = time.Duration(3) * time.Second`, 0},
		"a safe encoding":                {`import "k8s.io/apimachinery/pkg/util/rand"; var _ = rand.SafeEncodeString("x")`, 0},
		"a method of the same name":      {`func f(time clock) any { return time.Now() }`, 0},
		"a setter that returns a change": {`func SetWeight(x int) int { return x }`, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, "planted.go", "package p; "+c.source, 0)
			if err != nil {
				t.Fatal(err)
			}
			if found := impurities(file, files.Position); len(found) != c.finds {
				t.Errorf("found %v, want %d", found, c.finds)
			}
		})
	}
}
