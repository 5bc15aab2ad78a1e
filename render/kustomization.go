package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

var kustomizationNames = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// kustomizationFile is the kustomization of a folder; empty when it has none.
func kustomizationFile(tree filesys.FileSystem, folder string) (string, error) {
	var found []string
	for _, name := range kustomizationNames {
		if file := path.Join(folder, name); tree.Exists(file) && !tree.IsDir(file) {
			found = append(found, file)
		}
	}
	switch len(found) {
	case 0:
		return "", nil
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%s has several kustomizations: %s", shown(folder), strings.Join(found, ", "))
}

// A scan walks a kustomization and all those it is made of, before kustomize does. It refuses what would leave the
// tree or run a program, and writes each kustomization anew into the copy, with what it needs to know of Rollouts.
type scan struct {
	tree        filesys.FileSystem
	written     map[string][]byte // what kustomize sees in place of, or beside, the files of the tree
	top         string            // the folder that is rendered
	file        string            // its kustomization
	kinds       map[string]bool   // that anything names, and that could be referred to
	weights     map[string]weight
	bounds      Bounds
	resources   []string // files that have to hold objects
	patches     []string // files with patches
	ownSchema   bool
	origins     bool // have kustomize say where each object is from
	userOrigins bool // the kustomization itself asks for that
	warnings    []string
}

// weight is what a kustomization amounts to, with everything below it as often as it is listed: a few folders that list
// each other twice would make millions of objects.
type weight struct {
	documents, bytes int
	done             bool
}

// begin scans the kustomization that is rendered, and with it all others.
func (s *scan) begin(folder string, overrides *Kustomize) error {
	s.kinds = map[string]bool{}
	_, err := s.folder(folder, overrides)
	return err
}

func (s *scan) folder(folder string, overrides *Kustomize) (weight, error) {
	if total, begun := s.weights[folder]; begun {
		if !total.done {
			return total, fmt.Errorf("%s is part of itself: a kustomization is listed by one that it lists", shown(folder))
		}
		return total, nil
	}
	s.weights[folder] = weight{}
	total, err := s.read(folder, overrides)
	if err != nil {
		return total, err
	}
	total.done = true
	s.weights[folder] = total
	if total.documents > s.bounds.Objects {
		return total, tooMany(shown(folder), s.bounds.Objects)
	}
	if total.bytes > s.bounds.Bytes {
		return total, fmt.Errorf("%s: what it lists, as often as it lists it, is larger than %d MiB: list each base once", shown(folder), s.bounds.Bytes>>20)
	}
	return total, nil
}

// read scans one kustomization.
func (s *scan) read(folder string, overrides *Kustomize) (weight, error) {
	file, err := kustomizationFile(s.tree, folder)
	if err != nil {
		return weight{}, err
	}
	if file == "" {
		return weight{}, fmt.Errorf("%s is listed as a kustomization but has no kustomization.yaml", shown(folder))
	}
	if s.file == "" {
		s.file = file
	}
	content, err := s.tree.ReadFile(file)
	if err != nil {
		return weight{}, fmt.Errorf("read %s: %w", shown(file), err)
	}
	if err := s.bounds.check(file, content); err != nil {
		return weight{}, err
	}
	k, err := parse(file, content)
	if err != nil {
		return weight{}, err
	}
	if messages := k.CheckDeprecatedFields(); messages != nil {
		for _, m := range *messages {
			s.warnings = append(s.warnings, shown(file)+": "+strings.TrimPrefix(brief(errors.New(m)), "# Warning: "))
		}
	}
	overrides.apply(k)
	if len(k.CommonLabels) > 0 { // the newer form of the same, which kustomize does not grumble about on stderr
		k.Labels = append(k.Labels, types.Label{Pairs: k.CommonLabels, IncludeSelectors: true})
		k.CommonLabels = nil
	}
	total, err := s.check(folder, file, k)
	if err != nil {
		return total, err
	}
	return total, s.rewrite(folder, file, k)
}

// parse is strict: a field that kustomize does not know is an error there too.
func parse(file string, content []byte) (*types.Kustomization, error) {
	if err := unmerged(file, content); err != nil {
		return nil, err
	}
	if _, err := yaml.YAMLToJSON(content); err != nil {
		return nil, document{content, 1}.located(file, err)
	}
	k := &types.Kustomization{}
	if err := k.Unmarshal(content); err != nil {
		return nil, fmt.Errorf("%s: %s", shown(file), brief(err))
	}
	k.FixKustomization()
	return k, nil
}

// check looks at everything a kustomization refers to, and adds it up.
func (s *scan) check(folder, file string, k *types.Kustomization) (weight, error) {
	total := weight{documents: len(k.ConfigMapGenerator) + len(k.SecretGenerator)}
	if len(k.HelmCharts)+len(k.HelmChartInflationGenerator) > 0 || k.HelmGlobals != nil {
		return total, fmt.Errorf("%s: Helm charts are not supported: render the chart with helm template and commit the result", shown(file))
	}
	s.ownSchema = s.ownSchema || len(k.OpenAPI) > 0
	if err := s.bounds.inline(file, k); err != nil {
		return total, err
	}
	all := listed(k)
	for _, field := range slices.Sorted(maps.Keys(all)) {
		for _, entry := range all[field] {
			found, err := s.entry(folder, file, field, entry)
			if err != nil {
				return total, err
			}
			total.documents, total.bytes = total.documents+found.documents, total.bytes+found.bytes
		}
	}
	for field, entries := range map[string][]string{"generators": k.Generators, "transformers": k.Transformers, "validators": k.Validators} {
		for _, entry := range entries {
			if err := s.plugin(folder, file, field, entry); err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// listed are the paths that a kustomization names, by field.
func listed(k *types.Kustomization) map[string][]string {
	all := map[string][]string{
		"resources": k.Resources, "components": k.Components, "crds": k.Crds, "configurations": k.Configurations,
	}
	if file := k.OpenAPI["path"]; file != "" {
		all["openapi"] = []string{file}
	}
	for _, p := range slices.Concat(k.Patches, k.PatchesJson6902) {
		if p.Path != "" {
			all["patches"] = append(all["patches"], p.Path)
		}
	}
	for _, p := range k.PatchesStrategicMerge {
		if !strings.Contains(string(p), "\n") {
			all["patchesStrategicMerge"] = append(all["patchesStrategicMerge"], string(p))
		}
	}
	for _, r := range k.Replacements {
		if r.Path != "" {
			all["replacements"] = append(all["replacements"], r.Path)
		}
	}
	for _, g := range k.ConfigMapGenerator {
		all["configMapGenerator"] = append(all["configMapGenerator"], sources(g.KvPairSources)...)
	}
	for _, g := range k.SecretGenerator {
		all["secretGenerator"] = append(all["secretGenerator"], sources(g.KvPairSources)...)
	}
	return all
}

// sources are the files of a generator. A file may be given another name: name=file.
func sources(s types.KvPairSources) []string {
	files := slices.Clone(s.EnvSources)
	if s.EnvSource != "" {
		files = append(files, s.EnvSource)
	}
	for _, f := range s.FileSources {
		if _, file, renamed := strings.Cut(f, "="); renamed {
			f = file
		}
		files = append(files, f)
	}
	return files
}

// entry is one path of a kustomization: it has to be in the tree, and if it is a folder, it is scanned too.
func (s *scan) entry(folder, file, field, entry string) (weight, error) {
	if remote(entry) && !(field == "resources" && strings.Contains(entry, "\n")) {
		return weight{}, fmt.Errorf("%s: %s: %q is remote; bases and files have to be in the same repository: copy it there", shown(file), field, entry)
	}
	target := path.Join(folder, entry)
	switch {
	case path.IsAbs(entry):
		return weight{}, fmt.Errorf("%s: %s: %q is an absolute path; paths are relative to the kustomization", shown(file), field, entry)
	case outside(folder, entry):
		return weight{}, fmt.Errorf("%s: %s: %q leaves the source tree", shown(file), field, entry)
	case field == "resources" && strings.Contains(entry, "\n"):
		return weight{documents: len(documents([]byte(entry))), bytes: len(entry)}, nil // written in place
	case !s.tree.Exists(target):
		return weight{}, fmt.Errorf("%s: %s: %q does not exist%s", shown(file), field, entry, s.beside(target))
	case s.tree.IsDir(target):
		return s.folder(target, nil)
	}
	content, err := s.tree.ReadFile(target)
	if err != nil {
		return weight{}, fmt.Errorf("read %s: %w", shown(target), err)
	}
	total := weight{bytes: len(content)}
	mention(content, s.kinds)
	if field == "configMapGenerator" || field == "secretGenerator" {
		return total, nil // may hold anything
	}
	if field == "resources" {
		total.documents = bytes.Count(content, []byte("\n---")) + 1
		s.resources = append(s.resources, target)
	}
	if field == "patches" || field == "patchesStrategicMerge" {
		s.patches = append(s.patches, target)
	}
	if err := s.bounds.check(target, content); err != nil {
		return total, err
	}
	return total, unmerged(target, content)
}

// beside names a file of the same folder that is called nearly the same.
func (s *scan) beside(target string) string {
	names, err := s.tree.ReadDir(path.Dir(target))
	if err != nil || len(names) == 0 {
		return ""
	}
	if near, found := Nearest(path.Base(target), names); found {
		return fmt.Sprintf(": did you mean %q?", near)
	}
	return ""
}

// diagnose looks for what kustomize could not read, to say it with a line.
func (s *scan) diagnose() error {
	for _, file := range s.resources {
		content, err := s.tree.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read %s: %w", shown(file), err)
		}
		if _, err := objects(file, content); err != nil {
			return err
		}
	}
	return nil
}

// plugin is a generator, transformer or validator: a file, a folder, or its text. Only the built-in ones are ever
// run, but also these can load files, which must not come from elsewhere.
func (s *scan) plugin(folder, file, field, entry string) error {
	text := entry
	if !strings.Contains(entry, "\n") {
		if _, err := s.entry(folder, file, field, entry); err != nil {
			return err
		}
		target := path.Join(folder, entry)
		if s.tree.IsDir(target) {
			return nil
		}
		content, err := s.tree.ReadFile(target)
		if err != nil {
			return fmt.Errorf("read %s: %w", shown(target), err)
		}
		text = string(content)
	}
	if strings.Contains(text, "://") || strings.Contains(text, "git@") || strings.Contains(text, "HelmChartInflationGenerator") {
		return fmt.Errorf("%s: %s: nothing here may load what is not in the repository", shown(file), field)
	}
	return nil
}

func outside(folder, entry string) bool {
	relative := path.Join(strings.TrimPrefix(folder, "/"), entry)
	return relative == ".." || strings.HasPrefix(relative, "../")
}

// remote reports whether kustomize could take an entry for something to fetch.
func remote(entry string) bool {
	lower := strings.ToLower(entry)
	return strings.Contains(lower, "://") || strings.HasPrefix(lower, "git::") || strings.HasPrefix(lower, "github.com") ||
		strings.HasPrefix(lower, "gh:") || strings.Contains(lower, "@") && strings.Contains(lower, ":")
}

// rewrite adds what every kustomization has to know of Rollouts; the one that is rendered also records origins.
func (s *scan) rewrite(folder, file string, k *types.Kustomization) error {
	k.Configurations = append(slices.Clone(k.Configurations), configurationName)
	if folder == s.top && slices.Contains(k.BuildMetadata, types.OriginAnnotations) {
		s.userOrigins = true
	} else if folder == s.top && s.origins {
		k.BuildMetadata = append(slices.Clone(k.BuildMetadata), types.OriginAnnotations)
	}
	data, err := json.Marshal(k) // is YAML too, and quicker
	if err != nil {
		return fmt.Errorf("write %s anew: %w", shown(file), err)
	}
	for kind, generated := range map[string]int{"ConfigMap": len(k.ConfigMapGenerator), "Secret": len(k.SecretGenerator)} {
		if generated > 0 {
			s.kinds[kind] = true
		}
	}
	mention(data, s.kinds)
	written, err := configuration(s.kinds)
	if err != nil {
		return fmt.Errorf("write %s anew: %w", shown(file), err)
	}
	s.written[file], s.written[path.Join(folder, configurationName)] = data, written
	return nil
}

func (o *Kustomize) apply(k *types.Kustomization) {
	if o == nil {
		return
	}
	set := func(field *string, value string) {
		if value != "" {
			*field = value
		}
	}
	set(&k.NamePrefix, o.NamePrefix)
	set(&k.NameSuffix, o.NameSuffix)
	set(&k.Namespace, o.Namespace)
	k.CommonLabels, k.CommonAnnotations = merged(k.CommonLabels, o.CommonLabels), merged(k.CommonAnnotations, o.CommonAnnotations)
	k.Components, k.Patches = append(k.Components, o.Components...), append(k.Patches, o.Patches...)
	for _, text := range o.Images {
		wanted := image(text)
		k.Images = slices.DeleteFunc(k.Images, func(i types.Image) bool { return i.Name == wanted.Name })
		k.Images = append(k.Images, wanted)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Replicas)) {
		k.Replicas = slices.DeleteFunc(k.Replicas, func(r types.Replica) bool { return r.Name == name })
		k.Replicas = append(k.Replicas, types.Replica{Name: name, Count: o.Replicas[name]})
	}
}

func merged(base, over map[string]string) map[string]string {
	if len(over) == 0 {
		return base
	}
	all := map[string]string{}
	maps.Copy(all, base)
	maps.Copy(all, over)
	return all
}
