package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// checkKubernetes builds every overlay, and one in each way in which it may be extended, decodes what comes out into the types of Kubernetes, in which an unknown field is an error, and sees
// that objects name each other rightly.
func checkKubernetes(root string, found *faults) string {
	work, err := withSecrets(root)
	if err != nil {
		found.add("%v", err)
		return ""
	}
	defer os.RemoveAll(work)
	for _, extend := range []func(work string) error{withComponents, withOtherPorts} {
		if err := extend(work); err != nil {
			found.add("%v", err)
		}
	}
	overlays, _ := filepath.Glob(filepath.Join(work, "kubernetes/overlays/*"))
	count := 0
	for _, overlay := range overlays {
		var own faults
		objects := build(overlay, &own)
		if len(own.lines) == 0 {
			checkObjects(objects, &own)
		}
		for _, line := range own.lines {
			found.add("%s: %s", filepath.Base(overlay), line)
		}
		count += len(objects)
	}
	if len(overlays) == 0 {
		found.add("there is no overlay")
	}
	tried := 0
	for _, overlay := range overlays {
		if strings.Contains(filepath.Base(overlay), " with ") {
			tried++
		}
	}
	return fmt.Sprintf("%d overlays, %d ways to extend one, %d objects", len(overlays)-tried, tried, count)
}

// withSecrets copies deploy/, and makes the secrets there that overlays read.
func withSecrets(root string) (string, error) {
	work, err := os.MkdirTemp("", "earshot-deploy-")
	if err != nil {
		return "", err
	}
	if err := os.CopyFS(work, os.DirFS(filepath.Join(root, "deploy"))); err != nil {
		return work, err
	}
	overlays, _ := filepath.Glob(filepath.Join(work, "kubernetes/overlays/*"))
	for _, overlay := range overlays {
		secrets := filepath.Join(overlay, "secrets")
		if output, err := exec.Command("sh", filepath.Join(work, "secrets.sh"), secrets).CombinedOutput(); err != nil {
			return work, fmt.Errorf("secrets.sh: %v: %s", err, output)
		}
	}
	return work, nil
}

// extended is the overlay that is tried with what it may be extended by.
const extended = "production"

// withComponents makes a copy of an overlay for each component, and has it added there as somebody would who uses it.
func withComponents(work string) error {
	components, _ := filepath.Glob(filepath.Join(work, "kubernetes/components/*"))
	overlay := filepath.Join(work, "kubernetes/overlays", extended)
	for _, component := range components {
		name := filepath.Base(component)
		target := fmt.Sprintf("%s with %s", overlay, name)
		if err := os.CopyFS(target, os.DirFS(overlay)); err != nil {
			return err
		}
		file := filepath.Join(target, "kustomization.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var kustomization map[string]any
		if err := yaml.Unmarshal(text, &kustomization); err != nil {
			return fmt.Errorf("%s: %v", extended, err)
		}
		used, _ := kustomization["components"].([]any)
		kustomization["components"] = append(used, "../../components/"+name)
		if text, err = yaml.Marshal(kustomization); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

var commentedPatch = regexp.MustCompile(`(?m)^  # (- target:|  )`)

// withOtherPorts makes a copy of an overlay in which the patches that are comments are none, and its stores are where those are for.
func withOtherPorts(work string) error {
	overlay := filepath.Join(work, "kubernetes/overlays", extended)
	target := overlay + " with other ports"
	if err := os.CopyFS(target, os.DirFS(overlay)); err != nil {
		return err
	}
	for file, replace := range map[string]func(text string) string{
		"kustomization.yaml":   func(text string) string { return commentedPatch.ReplaceAllString(text, "  $1") },
		"secrets/postgres-url": func(string) string { return "postgresql://earshot:x@pooler:6432/earshot" },
		"secrets/redis-url":    func(string) string { return "rediss://:x@redis-1:6380,rediss://:x@redis-2:6380" },
	} {
		path := filepath.Join(target, file)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// Secrets are made so that nobody changes them by the way.
		if err := os.Remove(path); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(replace(string(text))), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// build does what `kubectl kustomize` does, with the same restrictions.
func build(overlay string, found *faults) []runtime.Object {
	options := krusty.MakeDefaultOptions()
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), overlay)
	if err != nil {
		found.add("%v", err)
		return nil
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme,
		autoscalingv2.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	var objects []runtime.Object
	for _, resource := range resources.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			found.add("%s: %v", resource.CurId(), err)
			continue
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			found.add("%s %s: %v", resource.GetKind(), resource.GetName(), err)
			continue
		}
		objects = append(objects, object)
	}
	return objects
}

func keysOf[V any](values map[string]V) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
