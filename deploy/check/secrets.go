package main

import (
	"regexp"
	"strings"
)

var secretPath = regexp.MustCompile(`/run/secrets/[\w./-]*[\w]`)

// secretPaths finds the files of secrets that are named in words of a command or an environment.
func secretPaths(words []string) []string {
	return secretPath.FindAllString(strings.Join(words, " "), -1)
}

// isSecretKey tells whether a value of this key must not be read by whoever may list processes or containers.
func isSecretKey(key string) bool {
	return regexp.MustCompile(`(PASSWORD|SECRET|TOKEN_SECRET|(REDIS|POSTGRES|MONGODB)_URL)$`).MatchString(key)
}
