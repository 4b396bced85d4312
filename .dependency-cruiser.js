import { Visitor } from '@swc/core/Visitor.js'

// Which folder of src/ may import which. Dependencies point down this list only; folders on one
// line are neighbours and do not know each other.
const levels = [
  ['cli'],
  ['operations'],
  ['gateway'],
  // The client knows the server for one thing: a server in the same process.
  ['observability', 'cluster', 'security', 'client'],
  ['server'],
  // Implements what sessions/ declares, which therefore does not know it: see docs/architecture.md.
  ['storage'],
  ['sessions', 'transports'],
  ['registry', 'queue'],
  ['protocol'],
  ['internal'],
]

const folders = levels.flat()
/** Files directly in src/ are the subpaths of `exports`. */
const entries = '^src/[^/]+[.]ts$'

const direction = levels.flatMap((level, depth) =>
  level.map((folder) => {
    const below = levels.slice(depth + 1).flat()
    const allowed = [`^src/(${[folder, ...below].join('|')})/`]
    // A public entry inside the library would hide what a file really needs, and end in a cycle.
    if (folder === 'cli') allowed.push(entries)
    return {
      name: `${folder}-imports-below-only`,
      severity: 'error',
      comment: `src/${folder} may import: ${[folder, ...below].join(', ')}`,
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: allowed },
    }
  }),
)

// The walker that dependency-cruiser borrows from swc stops at `using`, which it does not know yet.
const { visitStatement } = Visitor.prototype
Visitor.prototype.visitStatement = function (statement) {
  if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement)
  return { ...statement, decls: this.visitVariableDeclarators(statement.decls) }
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...direction,
    {
      name: 'folder-is-known',
      severity: 'error',
      comment: 'A new folder of src/ takes its place in the levels above',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${folders.join('|')})/` },
      to: {},
    },
    {
      name: 'entry-only-re-exports',
      severity: 'error',
      comment:
        'the entries (index, http, stdio, tcp, fetch, memory) name what is public, and do nothing',
      from: { path: entries },
      to: { dependencyTypesNot: ['export'] },
    },
    {
      name: 'gateway-is-loaded-when-needed',
      severity: 'error',
      comment:
        'Whoever serves no servers of others loads nothing of it: `import()`, or types alone',
      from: { pathNot: '^src/gateway/' },
      to: { path: '^src/gateway/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'protocol-is-pure',
      severity: 'error',
      comment: 'protocol/ imports nothing from Node or npm, so that it runs anywhere',
      from: { path: '^src/protocol/' },
      to: { pathNot: ['^src/', '@standard-schema/spec/'] },
    },
    {
      name: 'protocol-takes-types-of-standard-schema',
      severity: 'error',
      comment:
        'protocol/ may `import type` from @standard-schema/spec; nothing remains of it at run time',
      from: { path: '^src/protocol/' },
      to: { path: '@standard-schema/spec/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-cycle',
      severity: 'error',
      comment: 'Not even one of types',
      from: {},
      to: { circular: true },
    },
    {
      name: 'stays-in-src',
      severity: 'error',
      comment: 'What is published imports nothing that is not',
      from: { path: '^src/' },
      to: {
        pathNot: ['^src/', 'node_modules/'],
        dependencyTypesNot: ['core'],
        couldNotResolve: false,
      },
    },
    {
      name: 'dependency-is-declared',
      severity: 'error',
      comment:
        'A package that src/ imports, even for types, is in `dependencies` or `peerDependencies` of package.json',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-bundled'],
        dependencyTypesNot: ['npm-peer'],
      },
    },
    {
      name: 'opentelemetry-is-in-one-folder',
      severity: 'error',
      comment:
        'The packages of OpenTelemetry are optional: only what is loaded for them imports them',
      from: { path: '^src/', pathNot: '^src/observability/otel/' },
      to: { path: '@opentelemetry/' },
    },
    {
      name: 'import-resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // dependency-cruiser cannot use TypeScript 7, and its fallback, acorn, does not read types.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.d.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
    },
  },
}
