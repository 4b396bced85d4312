import { fileURLToPath } from 'node:url'
import { type Server, skillsFromDirectory } from '../dist/index.js'

/** The skills of `skills/`, and one whose content is made when it is read. */
export async function addSkills(server: Server): Promise<void> {
  const directory = fileURLToPath(new URL('skills/', import.meta.url))
  for (const skill of await skillsFromDirectory(directory)) server.skill(skill)
  server.skill({
    path: 'reports/daily-report',
    files: {
      'SKILL.md': [
        '---',
        'name: daily-report',
        "description: Assemble today's report from live figures.",
        '---',
        '',
        'Read `figures.json` and write three sentences about it.',
        '',
      ].join('\n'),
      'figures.json': () => JSON.stringify({ servedAt: new Date().toISOString() }),
    },
  })
}
