// The floors of the house: imports run downward only (docs/architecture.md tells why).
const floor = (name, from, allowed) => ({
  name,
  severity: 'error',
  comment: `${from} may import only: ${allowed.join(', ') || 'nothing of ours'}`,
  from: { path: from },
  to: {
    path: '^(protocol|src|loadtest|test|bench|migrations|scripts)/',
    pathNot: [from, ...allowed],
  },
});

const inHub = (part, others) => ({
  name: `hub-${part}`,
  severity: 'error',
  comment: `src/hub/${part} knows nothing of ${others.join(', ')}, nor by what lies beside the folders`,
  from: { path: `^src/hub/${part}/` },
  to: { path: `^src/hub/(${others.join('|')})/`, reachable: true },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphan-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(virtual:|uWebSockets)' },
    },
    floor('protocol-stands-alone', '^protocol/', []),
    {
      name: 'protocol-imports-the-validator-alone',
      severity: 'error',
      from: { path: '^protocol/' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'core'],
        pathNot: 'node_modules/zod/',
      },
    },
    floor('domain', '^src/domain/', ['^protocol/']),
    floor('clock', '^src/clock/', []),
    {
      name: 'the-core-is-pure',
      severity: 'error',
      from: { path: '^(src/domain|src/clock)/' },
      to: { dependencyTypes: ['core'] },
    },
    floor('ports', '^src/ports/', ['^src/domain/', '^src/clock/', '^protocol/']),
    floor('hub', '^src/hub/', ['^src/ports/', '^src/domain/', '^src/clock/', '^protocol/']),
    inHub('listening', ['room', 'activity', 'feed', 'handlers']),
    inHub('room', ['activity', 'feed', 'handlers']),
    inHub('activity', ['feed', 'handlers']),
    inHub('feed', ['room', 'activity', 'handlers']),
    floor('http', '^src/http/', [
      '^src/hub/',
      '^src/ports/',
      '^src/domain/',
      '^src/clock/',
      '^protocol/',
    ]),
    {
      name: 'adapters',
      severity: 'error',
      comment: 'An adapter implements ports; it knows no other adapter and never the hub.',
      from: { path: '^src/adapters/([^/]+)/' },
      to: {
        path: '^(src|loadtest|test|bench|migrations|scripts)/',
        pathNot: [
          '^src/adapters/$1/',
          '^src/ports/',
          '^src/domain/',
          '^src/clock/',
          '^migrations/',
        ],
      },
    },
    floor('client', '^src/client/', ['^src/clock/', '^protocol/']),
    floor('web', '^src/web/', ['^src/client/', '^src/clock/', '^protocol/']),
    floor('migrations', '^migrations/', []),
    floor('loadtest', '^loadtest/', ['^src/client/', '^src/clock/', '^protocol/']),
    {
      name: 'a-start-loads-what-it-uses',
      severity: 'error',
      comment:
        'Drivers and the migrator are much code: loaded by import() where their server is configured, or something is to be migrated.',
      from: {
        path: '^src/',
        // The commands that have to do with them, and what is loaded by import() itself.
        pathNot:
          '^src/(migrate|rejects|rejects-source|shared-stores|adapters/(mongo|redis)/.+|adapters/postgres/migrate)[.]ts$',
      },
      to: {
        path: '^(src/adapters/(mongo|redis)/|src/shared-stores[.]ts|src/adapters/postgres/migrate[.]ts|node_modules/(redis|mongodb|@mikro-orm/migrations)/)',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'a-wrong-configuration-is-told-at-once',
      severity: 'error',
      comment: 'What serves is loaded by import(), once the configuration is read.',
      from: { path: '^src/(main|exit-line|workers?|config)[.]ts$' },
      to: {
        path: '^src/(app|service|stores)[.]ts$',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { path: '^(src|protocol|loadtest)/' },
      to: { path: '^(test|bench|scripts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
