/** Types of the files that skills are made of, by the ending of their names. */
const byExtension: Readonly<Record<string, string>> = {
  css: 'text/css',
  csv: 'text/csv',
  gif: 'image/gif',
  htm: 'text/html',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript',
  json: 'application/json',
  jsonl: 'application/jsonl',
  md: 'text/markdown',
  mjs: 'text/javascript',
  pdf: 'application/pdf',
  png: 'image/png',
  py: 'text/x-python',
  sh: 'application/x-sh',
  sql: 'application/sql',
  svg: 'image/svg+xml',
  toml: 'application/toml',
  ts: 'text/typescript',
  tsv: 'text/tab-separated-values',
  txt: 'text/plain',
  webp: 'image/webp',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  zip: 'application/zip',
}

/** The type of a file by its name; without a known ending, by whether it is text. */
export function mediaTypeOf(name: string, isText: boolean): string {
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  const known = name.includes('.') ? byExtension[extension] : undefined
  return known ?? (isText ? 'text/plain' : 'application/octet-stream')
}
