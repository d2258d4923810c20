package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

var variable = regexp.MustCompile(`\$\{?(\w+)`)

// checkDockerfile parses with BuildKit, with its lint, and holds what this image promises.
func checkDockerfile(root string, found *faults) string {
	file, err := os.Open(filepath.Join(root, "Dockerfile"))
	if err != nil {
		found.add("%v", err)
		return ""
	}
	defer file.Close()
	result, err := parser.Parse(file)
	if err != nil {
		found.add("%v", err)
		return ""
	}
	for _, warning := range result.Warnings {
		found.add("%s", warning.Short)
	}
	lint := linter.New(&linter.Config{
		Warn: func(rule, _, _, message string, where []parser.Range) {
			found.add("line %d: %s (%s)", lineOf(where), message, rule)
		},
	})
	stages, _, err := instructions.Parse(result.AST, lint)
	if err != nil {
		found.add("%v", err)
		return ""
	}
	names := map[string]bool{}
	for i, stage := range stages {
		if !names[stage.BaseName] && !strings.Contains(stage.BaseName, ":") {
			found.add("FROM %s: neither a stage before it, nor an image with a tag", stage.BaseName)
		}
		if strings.HasSuffix(stage.BaseName, ":latest") {
			found.add("FROM %s: is another one tomorrow", stage.BaseName)
		}
		for _, command := range stage.Commands {
			checkCommand(command, names, found)
		}
		names[stage.Name], names[fmt.Sprint(i)] = true, true
	}
	checkService(stages[len(stages)-1], found)
	return fmt.Sprintf("%d stages, %d instructions", len(stages), len(result.AST.Children))
}

func checkCommand(command instructions.Command, names map[string]bool, found *faults) {
	switch c := command.(type) {
	case *instructions.CopyCommand:
		if c.From != "" && !names[c.From] {
			found.add("COPY --from=%s: no such stage before it", c.From)
		}
		if slices.Contains(c.SourcePaths, ".") && c.From == "" {
			found.add("COPY .: name what enters the image")
		}
	case *instructions.AddCommand:
		found.add("ADD fetches and unpacks: COPY says what is meant")
	case *instructions.WorkdirCommand:
		if !strings.HasPrefix(c.Path, "/") {
			found.add("WORKDIR %s: is not absolute", c.Path)
		}
	case *instructions.EnvCommand:
		for _, pair := range c.Env {
			if regexp.MustCompile(`(?i)secret|passw|token|_key$|_url$`).MatchString(pair.Key) {
				found.add("ENV %s: a secret would be in the image", pair.Key)
			}
			if variable.MatchString(pair.Value) {
				found.add("ENV %s: depends on a variable", pair.Key)
			}
		}
	}
}

// checkService holds what the last stage promises to whoever runs it.
func checkService(stage instructions.Stage, found *faults) {
	var user string
	var volumes, exposed []string
	var command, health []string
	var isShell bool
	env := map[string]string{}
	for _, c := range stage.Commands {
		switch c := c.(type) {
		case *instructions.UserCommand:
			user = c.User
		case *instructions.VolumeCommand:
			volumes = append(volumes, c.Volumes...)
		case *instructions.ExposeCommand:
			exposed = append(exposed, c.Ports...)
		case *instructions.CmdCommand:
			command, isShell = c.CmdLine, c.PrependShell
		case *instructions.HealthCheckCommand:
			health = c.Health.Test
		case *instructions.EnvCommand:
			for _, pair := range c.Env {
				env[pair.Key] = pair.Value
			}
		}
	}
	if !regexp.MustCompile(`^[1-9]\d*(:[1-9]\d*)?$`).MatchString(user) {
		found.add("USER %q: must be a number other than 0, for Kubernetes to see that it is not root", user)
	}
	if !slices.Contains(volumes, "/app/data") {
		found.add("VOLUME /app/data is missing")
	}
	if len(health) == 0 || health[0] != "CMD" {
		found.add("HEALTHCHECK must be there, without a shell")
	}
	if len(command) == 0 || isShell {
		found.add("CMD must be there, without a shell: a shell passes no signal on")
	}
	if env["HOST"] != "0.0.0.0" {
		found.add("ENV HOST=%q: must be 0.0.0.0, or nobody reaches it", env["HOST"])
	}
	if !slices.Contains(exposed, env["PORT"]) {
		found.add("EXPOSE %v: is not PORT=%s", exposed, env["PORT"])
	}
}

func lineOf(where []parser.Range) int {
	if len(where) == 0 {
		return 0
	}
	return where[0].Start.Line
}
