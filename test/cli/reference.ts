/**
 * The generated parts of docs/reference/cli.md: what the program itself says of its commands,
 * settings and exit codes. `node test/cli/reference.ts` writes them anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import {
  clientSettings,
  commonSettings,
  defaultText,
  type SettingTable,
  secretVariables,
  serveSettings,
  unusedVariables,
  variableNames,
} from '../../src/cli/settings.ts'
import { runCli } from './fake-io.ts'

/** Commands that have commands. */
const groups = {
  lock: ['diff'],
  keys: ['create', 'list', 'revoke'],
  policy: ['check', 'explain', 'schema'],
  audit: ['verify', 'query', 'export'],
}

export const page = new URL('../../docs/reference/cli.md', import.meta.url)

/** The page with each generated part as it should be. */
export async function rendered(text: string): Promise<string> {
  const parts: Record<string, string> = {
    'serve settings': settingsTable(serveSettings),
    'client settings': settingsTable(clientSettings),
    'common settings': settingsTable(commonSettings),
    'unused variables': table(
      ['Variable', 'Why it has no effect'],
      unusedVariables.map(({ name, about }) => [`\`TSMCP_${name}\`, \`ERLMCP_${name}\``, about]),
    ),
    'secret variables': table(
      ['Variable', 'Or the file named by', 'Or the credential', 'Meaning'],
      secretVariables.map(({ name, about }) => [
        `\`TSMCP_${name}\``,
        `\`TSMCP_${name}_FILE\``,
        `\`tsmcp-${name.toLowerCase().replaceAll('_', '-')}\``,
        about,
      ]),
    ),
    'exit codes': table(
      ['Code', 'Meaning'],
      exitCodes.map(({ code, meaning }) => [`${code}`, meaning]),
    ),
  }
  for (const command of ['serve', 'call', 'list', 'init']) {
    const { out } = await runCli([command, '--help'])
    parts[`${command} help`] = `\`\`\`text\n${out.trimEnd()}\n\`\`\``
  }
  for (const [group, commands] of Object.entries(groups)) {
    const helps = await Promise.all(
      [[group], ...commands.map((command) => [group, command])].map(async (path) => {
        const { out } = await runCli([...path, '--help'])
        return out.trimEnd()
      }),
    )
    parts[`${group} help`] = `\`\`\`text\n${helps.join('\n\n')}\n\`\`\``
  }
  return text.replaceAll(
    /<!-- generated: ([\w ]+) -->\n[\s\S]*?<!-- end -->/g,
    (_, name: string) => {
      const part = parts[name]
      if (part === undefined) throw new Error(`cli.md asks for an unknown part: ${name}`)
      return `<!-- generated: ${name} -->\n${part}\n<!-- end -->`
    },
  )
}

function settingsTable(settings: SettingTable): string {
  return table(
    ['Flag', 'Variables, strongest first', 'Default', 'Allowed', 'Meaning'],
    Object.values(settings).map((setting) => [
      `\`${setting.flag}\``,
      variableNames(setting)
        .map((name) => `\`${name}\``)
        .join(', '),
      setting.placeholder === undefined ? 'off' : defaultText(setting),
      setting.placeholder === undefined ? 'given or not' : setting.allowed.replace(/,$/, ''),
      setting.about + (setting.isRepeatable ? '; repeatable, in a variable with commas' : ''),
    ]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

if (import.meta.main) writeFileSync(page, await rendered(readFileSync(page, 'utf8')))
