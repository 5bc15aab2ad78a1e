package cmp

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/internal/version"
	"github.com/sluice-delivery/sluice/render"
)

const example = `  # as a sidecar of Argo CD's repo-server
  cmp-server

  # what Argo CD would get, on a laptop or in CI
  cmp-server render deploy/
  cmp-server lint deploy/

  # exec probe
  cmp-server health`

// Command is the cmp-server.
func Command() *cobra.Command {
	c := Config{Limits: render.DefaultLimits, ArchiveBytes: messageBytes, Bounds: render.DefaultBounds}
	c.Limits.FileBytes = 16 << 20
	plugin, level := "", ""
	command := &cobra.Command{
		Use:   "cmp-server",
		Short: "Render manifests for Argo CD, with Rollouts understood",
		Long: `cmp-server is a config management plugin of Argo CD: it renders a kustomization or plain YAML in memory, knows Rollouts,
checks them with the controller's own rules, and makes a rolled-back revision show as OutOfSync. Name the plugin in
an Application: spec.source.plugin.name: sluice.`,
		Example: example, Version: version.Version, Args: cobra.NoArgs, SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			read, err := ReadPlugin(plugin)
			if err != nil {
				return err
			}
			c.Name, c.Discover = read.Name, read.Discover
			var l slog.Level
			if err := l.UnmarshalText([]byte(level)); err != nil {
				return fmt.Errorf("--loglevel: %q is none of debug, info, warn, error", level)
			}
			return Serve(command.Context(), c, slog.New(slog.NewJSONHandler(command.ErrOrStderr(), &slog.HandlerOptions{Level: l})))
		},
	}
	home := "/home/argocd/cmp-server"
	folder := os.Getenv("ARGOCD_PLUGINSOCKFILEPATH")
	if folder == "" {
		folder = home + "/plugins"
	}
	command.PersistentFlags().StringVar(&c.Folder, "socket-folder", folder, "where the socket is (also $ARGOCD_PLUGINSOCKFILEPATH)")
	command.PersistentFlags().StringVar(&plugin, "config", home+"/config/plugin.yaml", "ConfigManagementPlugin manifest; without the file the plugin is called sluice")
	flags := command.Flags()
	flags.StringVar(&level, "loglevel", "info", "debug, info, warn or error")
	flags.DurationVar(&c.Timeout, "timeout", time.Minute, "how long one rendering may take; a shorter deadline of the caller wins")
	flags.DurationVar(&c.Grace, "grace", 20*time.Second, "how long calls may go on after a signal")
	flags.IntVar(&c.Parallel, "parallel", 0, "renderings at once (default two for each processor)")
	flags.IntVar(&c.Limits.Entries, "max-entries", c.Limits.Entries, "entries of an archive")
	flags.Int64Var(&c.Limits.Bytes, "max-bytes", c.Limits.Bytes, "bytes of an unpacked archive")
	flags.Int64Var(&c.ArchiveBytes, "max-archive-bytes", c.ArchiveBytes, "bytes of a packed archive")
	flags.Int64Var(&c.Limits.FileBytes, "max-file-bytes", c.Limits.FileBytes, "bytes of a file; a larger one is in the tree but cannot be read")
	flags.IntVar(&c.Limits.Depth, "max-depth", c.Limits.Depth, "folders in a path of an archive")
	flags.IntVar(&c.Bounds.Document, "max-document-bytes", c.Bounds.Document, "bytes of one YAML document")
	flags.IntVar(&c.Bounds.Aliases, "max-aliases", c.Bounds.Aliases, "values that the aliases of one YAML file stand for")
	flags.IntVar(&c.Bounds.Objects, "max-objects", c.Bounds.Objects, "manifests of one application")
	flags.IntVar(&c.Calls, "max-calls", 256, "calls that are open at once")
	flags.Int64Var(&c.Memory, "max-memory", 384<<20, "bytes of the archives of all calls together, packed and unpacked")
	flags.Int64Var(&c.Cache, "cache-bytes", 64<<20, "bytes of all answers that are kept")
	flags.StringVar(&c.Metrics, "metrics-address", ":8089", "address of /metrics and /healthz; 0 for none")
	command.AddCommand(renderCommand(), lintCommand(), healthCommand(&c, &plugin))
	return command
}

func renderCommand() *cobra.Command {
	hide, empty, sent := false, false, ""
	command := &cobra.Command{
		Use: "render DIR", Short: "Print the manifests of a folder", Args: cobra.ExactArgs(1), SilenceUsage: true,
		Example: "  cmp-server render deploy/ | kubectl diff -f -",
		RunE: func(command *cobra.Command, args []string) error {
			o, err := options(map[string]string{"ARGOCD_APP_PARAMETERS": sent})
			if err != nil {
				return err
			}
			o.HideRollbacks, o.AllowEmpty = o.HideRollbacks || hide, o.AllowEmpty || empty
			result, err := renderFolder(args[0], o)
			if err != nil {
				return err
			}
			for _, warning := range result.Warnings {
				command.PrintErrln("warning:", warning)
			}
			for _, obj := range result.Objects {
				data, err := yaml.Marshal(obj.Object)
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(command.OutOrStdout(), "---\n%s", data); err != nil {
					return err
				}
			}
			return nil
		},
	}
	command.Flags().BoolVar(&hide, "hide-rollbacks", false, "leave the annotation sluice.dev/serving out")
	command.Flags().BoolVar(&empty, "allow-empty", false, "accept a folder without manifests")
	command.Flags().StringVar(&sent, "parameters", "", parametersUsage)
	return command
}

const parametersUsage = `spec.source.plugin.parameters of the Application, as JSON: [{"name":"images","array":["web=web:2"]}]`

func lintCommand() *cobra.Command {
	sent := ""
	command := &cobra.Command{
		Use: "lint DIR", Short: "Say what is wrong with the manifests of a folder", Args: cobra.ExactArgs(1), SilenceUsage: true,
		RunE: func(command *cobra.Command, args []string) error {
			o, err := options(map[string]string{"ARGOCD_APP_PARAMETERS": sent})
			if err != nil {
				return err
			}
			result, err := renderFolder(args[0], o)
			if err != nil {
				return err
			}
			for _, warning := range result.Warnings {
				command.PrintErrln("warning:", warning)
			}
			command.PrintErrf("%d manifests, nothing wrong\n", len(result.Objects))
			return nil
		},
	}
	command.Flags().StringVar(&sent, "parameters", "", parametersUsage)
	return command
}

// renderFolder reads a folder of the disk as Argo CD would send it: the whole repository, if it is in one.
func renderFolder(folder string, o render.Options) (render.Result, error) {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return render.Result{}, fmt.Errorf("find %s: %w", folder, err)
	}
	root := repository(absolute)
	tree, err := load(root)
	if err != nil {
		return render.Result{}, err
	}
	if o.Path, err = filepath.Rel(root, absolute); err != nil {
		return render.Result{}, fmt.Errorf("find %s: %w", folder, err)
	}
	return render.Render(tree, o)
}

// repository is the nearest folder above that Git knows, or the folder itself.
func repository(folder string) string {
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return folder
		}
	}
}

func load(root string) (filesys.FileSystem, error) {
	tree := render.NewTree(render.DefaultLimits)
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(file)
			if err != nil {
				return err
			}
			return tree.Link(relative, target)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return tree.Add(relative, content)
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", root, err)
	}
	return tree.FileSystem()
}

func healthCommand(c *Config, plugin *string) *cobra.Command {
	return &cobra.Command{
		Use: "health", Short: "Ask the server at the socket whether it serves (for an exec probe)", Args: cobra.NoArgs, SilenceUsage: true,
		RunE: func(command *cobra.Command, _ []string) error {
			read, err := ReadPlugin(*plugin)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(command.Context(), 5*time.Second)
			defer cancel()
			return ask(ctx, Config{Folder: c.Folder, Name: read.Name}.Socket())
		},
	}
}

func ask(ctx context.Context, socket string) error {
	connection, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("dial %s: %w", socket, err)
	}
	defer connection.Close()
	answer, err := healthpb.NewHealthClient(connection).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "rpc error: "))
	}
	if answer.Status != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("%s does not serve: %s", socket, answer.Status)
	}
	return nil
}
