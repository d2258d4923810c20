# syntax=docker/dockerfile:1
# Earshot as an image: Node 24 and what the service needs at run time on Debian trixie, and nothing that builds or tests it.
# docs/deploying.md tells how to use it; `npm run check:deploy` and `npm run try:image` how it is checked without an engine.

FROM node:24-trixie-slim AS node

# What the service is made of, from its sources.
FROM node AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts
COPY tsconfig.base.json tsconfig.build.json tsconfig.json vite.config.ts ./
COPY protocol ./protocol
COPY migrations ./migrations
COPY loadtest ./loadtest
COPY src ./src
RUN npm run build

# What it needs from others, without what only people and other platforms read.
FROM node AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts
COPY scripts/prune-dependencies.mjs ./scripts/
RUN node scripts/prune-dependencies.mjs node_modules

# The Node of the first stage alone: npm, yarn and headers stay behind.
FROM debian:trixie-slim AS service
COPY --from=node /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
# Owned by root, so that the process cannot change what it runs; the one folder that is its own is the volume.
RUN install -d -o 10001 -g 10001 -m 750 data
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# Docker kills ten seconds after it has told a container to stop, where nobody says otherwise.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    DRAIN_MAX_MS=8000
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
VOLUME /app/data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["node", "dist/src/health-check.js"]
# The process hears its signals itself and leaves no child behind, so there is no init before it.
CMD ["node", "dist/src/main.js"]
