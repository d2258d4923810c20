package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// checkCompose loads with Compose's own loader, which holds its schema and that what services name exists.
func checkCompose(root string, found *faults) string {
	folder := filepath.Join(root, "deploy")
	file := filepath.Join(folder, "compose.yaml")
	load := func(environment types.Mapping) *types.Project {
		project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
			WorkingDir:  folder,
			ConfigFiles: []types.ConfigFile{{Filename: file}},
			Environment: environment,
		}, func(options *loader.Options) { options.SetProjectName("earshot", true) })
		if err != nil {
			found.add("%v", err)
			return nil
		}
		return project
	}
	// As it is, and with everything set that deploy/.env may set.
	project := load(types.Mapping{})
	const port = "9090"
	own := load(types.Mapping{"MUSIC_DIR": "/srv/music", "EARSHOT_PORT": port, "EARSHOT_IMAGE": "registry.example/earshot:1"})
	if project == nil || own == nil {
		return ""
	}
	if music := own.Services["hub-1"].Environment["MEDIA_DIR"]; music == nil || *music != "/music" {
		found.add("hub-1: MUSIC_DIR does not become MEDIA_DIR")
	}
	for name, hub := range own.Services {
		// Where nothing is said of it, people come to the port that nginx is published on; anywhere else they are strangers to the hubs.
		if address := hub.Environment["PUBLIC_URL"]; address != nil && *address != "http://localhost:"+port {
			found.add("%s: PUBLIC_URL is %s where EARSHOT_PORT is %s", name, *address, port)
		}
	}
	for _, name := range project.ServiceNames() {
		checkComposeService(project, project.Services[name], found)
	}
	for name, secret := range project.Secrets {
		if secret.File == "" {
			found.add("secret %s: comes from no file", name)
		}
	}
	return fmt.Sprintf("%d services, %d volumes, %d secrets", len(project.Services), len(project.Volumes), len(project.Secrets))
}

func checkComposeService(project *types.Project, service types.ServiceConfig, found *faults) {
	say := func(format string, args ...any) { found.add("%s: %s", service.Name, fmt.Sprintf(format, args...)) }
	if !strings.Contains(service.Image, ":") || strings.HasSuffix(service.Image, ":latest") {
		say("image %q has no tag, and is another one tomorrow", service.Image)
	}
	if !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
		say("may gain privileges")
	}
	given := map[string]bool{}
	for _, secret := range service.Secrets {
		given["/run/secrets/"+secret.Source] = true
	}
	words := append(append(append([]string{}, service.Command...), service.Entrypoint...), healthOf(service)...)
	for key, value := range service.Environment {
		if value == nil {
			continue
		}
		words = append(words, *value)
		if isSecretKey(key) && *value != "" {
			say("%s stands in the environment, not in a file", key)
		}
	}
	for _, path := range secretPaths(words) {
		if !given[path] {
			say("reads %s, which it is not given", path)
		}
	}
	for _, volume := range service.Volumes {
		if volume.Type != types.VolumeTypeBind {
			continue
		}
		if _, err := os.Stat(volume.Source); err != nil {
			say("mounts %s, which is not there", volume.Source)
		}
		if !volume.ReadOnly {
			say("may write to %s", volume.Source)
		}
	}
	for name, dependency := range service.DependsOn {
		other := project.Services[name]
		hasHealth := other.HealthCheck != nil && !other.HealthCheck.Disable
		if dependency.Condition == types.ServiceConditionHealthy && !hasHealth {
			say("waits for the health of %s, which tells none", name)
		}
		if dependency.Condition == types.ServiceConditionStarted {
			say("does not wait until %s is ready", name)
		}
		if dependency.Condition == types.ServiceConditionCompletedSuccessfully && other.Restart != "no" {
			say("waits for the end of %s, which is started again", name)
		}
	}
}

func healthOf(service types.ServiceConfig) []string {
	if service.HealthCheck == nil {
		return nil
	}
	return service.HealthCheck.Test
}
