package cmp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/render"
)

// Plugin is what a plugin.yaml says, as far as it has a meaning here.
type Plugin struct {
	// Name of the socket without .sock: name, or name-version.
	Name string
	// Discover is nil when nobody is served without naming the plugin, which is the default.
	Discover *Discovery
}

// ReadPlugin reads the same plugin.yaml that Argo CD's own server reads. Without the file the name is "sluice".
func ReadPlugin(file string) (Plugin, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Plugin{Name: "sluice"}, nil
	}
	if err != nil {
		return Plugin{}, fmt.Errorf("read the plugin's configuration: %w", err)
	}
	plugin, err := parsePlugin(content)
	if err != nil {
		return Plugin{}, fmt.Errorf("%s: %w", file, err)
	}
	return plugin, nil
}

// without says for each field of the specification why it has no meaning here.
var without = map[string]string{
	"init":             "nothing is run: there is nothing to prepare",
	"generate":         "nothing is run: the renderer is built in",
	"parameters":       "the parameters are those of the renderer; it announces them itself",
	"preserveFileMode": "nothing is written to a disk",
	"provideGitCreds":  "nothing is fetched: credentials are not needed",
}

func parsePlugin(content []byte) (Plugin, error) {
	read := struct {
		Kind     string
		Metadata struct{ Name string }
		Spec     map[string]json.RawMessage
	}{}
	if err := yaml.Unmarshal(content, &read); err != nil {
		return Plugin{}, err
	}
	if read.Kind != "ConfigManagementPlugin" || read.Metadata.Name == "" {
		return Plugin{}, errors.New("kind ConfigManagementPlugin and metadata.name are needed")
	}
	plugin := Plugin{Name: read.Metadata.Name}
	for _, field := range slices.Sorted(maps.Keys(read.Spec)) {
		if err := plugin.read(field, read.Spec[field]); err != nil {
			return Plugin{}, err
		}
	}
	if strings.ContainsAny(plugin.Name, "/\x00") {
		return Plugin{}, fmt.Errorf("%q cannot be the name of a socket", plugin.Name)
	}
	return plugin, nil
}

// read takes one field of the specification. A wish that is switched off is none.
func (p *Plugin) read(field string, value json.RawMessage) error {
	why, known := without[field]
	switch off := string(bytes.TrimSpace(value)); {
	case known && (off == "false" || off == "null" || off == "{}"):
		return nil
	case field == "version":
		version := ""
		if err := json.Unmarshal(value, &version); err != nil {
			return errors.New("spec.version has to be a text")
		}
		if version != "" {
			p.Name += "-" + version
		}
		return nil
	case field == "discover":
		return p.discover(value)
	case known:
		return fmt.Errorf("spec.%s: %s; leave it out", field, why)
	}
	if near, found := render.Nearest(field, append(slices.Collect(maps.Keys(without)), "version", "discover")); found {
		return fmt.Errorf("spec.%s is not known: did you mean %q?", field, near)
	}
	return fmt.Errorf("spec.%s is not known", field)
}

func (p *Plugin) discover(value json.RawMessage) error {
	read := struct {
		FileName string `json:"fileName"`
		Find     *struct {
			Glob    string   `json:"glob"`
			Command []string `json:"command"`
			Args    []string `json:"args"`
		} `json:"find"`
	}{}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return fmt.Errorf("spec.discover: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	d := &Discovery{FileName: strings.TrimPrefix(read.FileName, "./")}
	if read.Find != nil {
		if len(read.Find.Command)+len(read.Find.Args) > 0 {
			return errors.New("spec.discover.find.command: nothing is run: use fileName or find.glob")
		}
		d.Glob = strings.TrimPrefix(read.Find.Glob, "./")
	}
	switch {
	case d.FileName != "":
		if _, err := path.Match(d.FileName, ""); err != nil {
			return fmt.Errorf("spec.discover.fileName: %q is no pattern", d.FileName)
		}
		d.matches = func(name string) bool { matched, _ := path.Match(d.FileName, name); return matched }
	case d.Glob != "":
		matches, err := render.Glob(d.Glob)
		if err != nil {
			return fmt.Errorf("spec.discover.find.glob: %w", err)
		}
		d.matches = matches
	default:
		return nil
	}
	p.Discover = d
	return nil
}
