package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
	checkHubEnvironment(file, found)
	overrides := checkOverrides(root, file, project, found)
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
	return fmt.Sprintf("%d services, %d volumes, %d secrets, %d overrides", len(project.Services), len(project.Volumes), len(project.Secrets), overrides)
}

// checkHubEnvironment sees that hub.env reaches whatever runs Earshot's image, and nothing else.
func checkHubEnvironment(file string, found *faults) {
	folder, err := os.MkdirTemp("", "earshot-compose-")
	if err != nil {
		found.add("%v", err)
		return
	}
	defer os.RemoveAll(folder)
	const key, value = "MAX_CONNECTIONS", "7"
	if err := os.WriteFile(filepath.Join(folder, "hub.env"), []byte(key+"="+value+"\n"), 0o600); err != nil {
		found.add("%v", err)
		return
	}
	project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  folder,
		ConfigFiles: []types.ConfigFile{{Filename: file}},
		Environment: types.Mapping{},
	}, func(options *loader.Options) { options.SetProjectName("earshot", true) })
	if err != nil {
		found.add("with hub.env: %v", err)
		return
	}
	for _, name := range project.ServiceNames() {
		service := project.Services[name]
		given := service.Environment[key]
		if isOurs, has := service.Build != nil, given != nil && *given == value; isOurs != has {
			found.add("%s: runs Earshot's image: %t; is given hub.env: %t", name, isOurs, has)
		}
	}
}

// override finds what docs/deploying.md shows as deploy/compose.override.yaml.
var override = regexp.MustCompile("(?s)```yaml\n(# deploy/compose\\.override\\.yaml\n.*?)```")

var (
	certificate = regexp.MustCompile(`(?m)^# ssl_certificate(?:_key)? +(\S+);$`)
	listenTLS   = regexp.MustCompile(`(?m)^# listen (\d+) ssl;$`)
)

// checkOverrides loads compose.yaml with each override that the documentation shows, and sees that nginx gets what its configuration would name.
func checkOverrides(root, file string, plain *types.Project, found *faults) int {
	page, err := os.ReadFile(filepath.Join(root, "docs/deploying.md"))
	if err != nil {
		found.add("%v", err)
		return 0
	}
	site, err := os.ReadFile(filepath.Join(root, "deploy/compose/earshot-site.conf"))
	if err != nil {
		found.add("%v", err)
		return 0
	}
	if network := plain.Networks["front"].Name; !strings.Contains(string(page), "--network "+network+" ") {
		found.add("docs/deploying.md: joins nothing to the network %s, in which the hubs are", network)
	}
	shown := override.FindAllSubmatch(page, -1)
	if len(shown) == 0 {
		found.add("docs/deploying.md: shows no compose.override.yaml")
	}
	for _, block := range shown {
		project, err := loader.LoadWithContext(context.Background(), types.ConfigDetails{
			WorkingDir:  filepath.Dir(file),
			ConfigFiles: []types.ConfigFile{{Filename: file}, {Filename: "compose.override.yaml", Content: block[1]}},
			Environment: types.Mapping{"EARSHOT_PORT": "127.0.0.1:8080"},
		}, func(options *loader.Options) { options.SetProjectName("earshot", true) })
		if err != nil {
			found.add("docs/deploying.md: compose.override.yaml: %v", err)
			continue
		}
		nginx := project.Services["nginx"]
		mounted := map[string]string{}
		for _, volume := range nginx.Volumes {
			mounted[volume.Target] = volume.Source
		}
		wanted := []string{"/etc/nginx/earshot-site.conf"}
		for _, match := range certificate.FindAllSubmatch(site, -1) {
			wanted = append(wanted, string(match[1]))
		}
		if len(wanted) != 3 {
			found.add("earshot-site.conf: shows no certificate and its key")
		}
		// In the folder that git leaves out, and up.sh looks into.
		own := filepath.Join(filepath.Dir(file), "site")
		for _, target := range wanted {
			if filepath.Dir(mounted[target]) != own {
				found.add("docs/deploying.md: compose.override.yaml: %s is not mounted from deploy/site", target)
			}
		}
		listens := listenTLS.FindSubmatch(site)
		if listens == nil || !slices.ContainsFunc(nginx.Ports, func(p types.ServicePortConfig) bool { return fmt.Sprint(p.Target) == string(listens[1]) }) {
			found.add("docs/deploying.md: compose.override.yaml: the port of earshot-site.conf for TLS is not published")
		}
	}
	return len(shown)
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
