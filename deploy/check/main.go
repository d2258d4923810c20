// Command check reads the Dockerfile, compose.yaml, the manifests of Kubernetes and what observes them with the code of those who run them (BuildKit's parser
// and lint, the loader of Compose, Kustomize, the types and the pod security standards of Kubernetes, Prometheus), and sees that what they name is there.
//
// usage: check FOLDER [dockerfile | compose | kubernetes | observability]...
//
// FOLDER is the repository. Each fault is one line; it ends with 1 where there is any.
package main

import (
	"fmt"
	"os"
	"slices"
)

// faults are collected, so that one run names them all.
type faults struct{ lines []string }

func (f *faults) add(format string, args ...any) {
	f.lines = append(f.lines, fmt.Sprintf(format, args...))
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: check FOLDER [dockerfile | compose | kubernetes | observability]...")
		os.Exit(2)
	}
	root, wanted := os.Args[1], os.Args[2:]
	checks := []struct {
		name  string
		check func(root string, found *faults) string
	}{
		{"dockerfile", checkDockerfile},
		{"compose", checkCompose},
		{"kubernetes", checkKubernetes},
		{"observability", checkObservability},
	}
	status := 0
	for _, c := range checks {
		if len(wanted) > 0 && !slices.Contains(wanted, c.name) {
			continue
		}
		var found faults
		told := c.check(root, &found)
		for _, line := range found.lines {
			fmt.Printf("%s: %s\n", c.name, line)
			status = 1
		}
		if len(found.lines) == 0 {
			fmt.Printf("%s: %s\n", c.name, told)
		}
	}
	os.Exit(status)
}
