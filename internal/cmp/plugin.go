package cmp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// ReadPlugin reads the same plugin.yaml that Argo CD's own server reads, as far as it has a meaning here: the name and
// the version, which are the name of the socket. Without the file the name is "sluice".
func ReadPlugin(file string) (string, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "sluice", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the plugin's configuration: %w", err)
	}
	name, err := pluginName(content)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return name, nil
}

// without says for each field of the specification why it has no meaning here.
var without = map[string]string{
	"init":             "nothing is run: there is nothing to prepare",
	"generate":         "nothing is run: the renderer is built in",
	"discover":         "discovery is not supported: name the plugin in the Application (spec.source.plugin.name)",
	"parameters":       "the parameters are those of the renderer; it announces them itself",
	"preserveFileMode": "nothing is written to a disk",
	"provideGitCreds":  "nothing is fetched: credentials are not needed",
}

func pluginName(content []byte) (string, error) {
	plugin := struct {
		Kind     string
		Metadata struct{ Name string }
		Spec     map[string]json.RawMessage
	}{}
	if err := yaml.Unmarshal(content, &plugin); err != nil {
		return "", err
	}
	if plugin.Kind != "ConfigManagementPlugin" || plugin.Metadata.Name == "" {
		return "", errors.New("kind ConfigManagementPlugin and metadata.name are needed")
	}
	name := plugin.Metadata.Name
	for _, field := range slices.Sorted(maps.Keys(plugin.Spec)) {
		why, known := without[field]
		switch {
		case field == "version":
			version := ""
			if err := json.Unmarshal(plugin.Spec[field], &version); err != nil {
				return "", errors.New("spec.version has to be a text")
			}
			if version != "" {
				name += "-" + version
			}
		case known:
			return "", fmt.Errorf("spec.%s: %s", field, why)
		default:
			return "", fmt.Errorf("spec.%s is not known", field)
		}
	}
	if strings.ContainsAny(name, "/\x00") {
		return "", fmt.Errorf("%q cannot be the name of a socket", name)
	}
	return name, nil
}
