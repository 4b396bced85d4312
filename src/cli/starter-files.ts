import { version } from './version.ts'

/** The oldest Node that runs TypeScript as this package needs it. */
const nodeRange = '>=24'

/** The files of a new project, by their path in it. */
export function starterFiles(projectName: string): Readonly<Record<string, string>> {
  return {
    'server.ts': serverFile(projectName),
    'package.json': packageFile(projectName),
    'tsconfig.json': tsconfigFile,
    '.gitignore': 'node_modules/\n*.log\n.env\n',
    'README.md': readmeFile(projectName),
  }
}

function serverFile(projectName: string): string {
  return `import { defineServer } from 'tsmcp'
import { z } from 'zod'

const server = defineServer({
  name: ${quoted(projectName)},
  version: '0.1.0',
  instructions: 'Tells the time anywhere in the world.',
})

// A tool is a function that the model may call. Its input is checked before it runs, and its output
// before it leaves.
server.tool(
  'time',
  {
    description: 'The time of day in a time zone',
    input: z.object({
      timeZone: z.string().default('Europe/Paris').describe('an IANA time zone, such as Asia/Tokyo'),
    }),
    output: z.object({ timeZone: z.string(), time: z.string() }),
  },
  ({ timeZone }) => {
    const time = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'medium' })
    return { timeZone, time: time.format(new Date()) }
  },
)

// A resource is something that the model may read.
server.resource(
  'time://zones',
  { name: 'zones', description: 'Every time zone that the tool knows', mimeType: 'text/plain' },
  () => Intl.supportedValuesOf('timeZone').join('\\n'),
)

// A prompt is a message that the user may send, with blanks to fill in.
server.prompt(
  'meeting',
  {
    description: 'Find an hour for a call between two places',
    arguments: {
      here: { description: 'your time zone', required: true },
      there: { description: 'theirs', required: true },
    },
  },
  ({ here, there }) => \`Find an hour in which it is working time both in \${here} and in \${there}.\`,
)

export default server
`
}

function packageFile(projectName: string): string {
  const manifest = {
    name: projectName,
    version: '0.1.0',
    private: true,
    type: 'module',
    scripts: {
      start: 'tsmcp serve server.ts',
      dev: 'tsmcp serve server.ts --watch',
      check: 'tsc',
    },
    dependencies: { tsmcp: `^${version}`, zod: '^4.0.0' },
    devDependencies: { '@types/node': '^24.0.0', typescript: '>=5.9.0' },
    engines: { node: nodeRange },
  }
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}

const tsconfigFile = `{
  "compilerOptions": {
    "target": "es2024",
    "lib": ["es2024"],
    "types": ["node"],
    "module": "nodenext",
    "strict": true,
    "skipLibCheck": true,
    "noEmit": true,
    // Node runs the files as they are, by removing the types.
    "erasableSyntaxOnly": true,
    "verbatimModuleSyntax": true,
    "allowImportingTsExtensions": true
  }
}
`

function readmeFile(projectName: string): string {
  return `# ${projectName}

An MCP server, made with [tsmcp](https://www.npmjs.com/package/tsmcp). It needs Node.js 24 or newer.

    npm install
    npm run dev                                             # http://127.0.0.1:8080/mcp, reloads on change
    npx tsmcp list server.ts                                # what it offers
    npx tsmcp call server.ts time '{"timeZone":"Asia/Tokyo"}'
    npx tsmcp call server.ts --prompt meeting '{"here":"Paris","there":"Tokyo"}'

Tools, resources and prompts are in \`server.ts\`. A desktop host starts it as a command:

    { "mcpServers": { ${quotedJson(projectName)}: { "command": "npx", "args": ["tsmcp", "serve", "/path/to/server.ts", "--stdio"] } } }
`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}

function quotedJson(text: string): string {
  return JSON.stringify(text)
}
