import { maxPatternLength } from './glob.ts'

const pattern = { type: 'string', minLength: 1, maxLength: maxPatternLength }
const patterns = {
  description: 'One pattern or several; * stands for any run of characters.',
  anyOf: [pattern, { type: 'array', items: pattern, minItems: 1, maxItems: 1000 }],
}
const names = {
  anyOf: [
    { type: 'string', minLength: 1, maxLength: 200 },
    {
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: 200 },
      minItems: 1,
      maxItems: 1000,
    },
  ],
}
const permission = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    methods: {
      ...patterns,
      description:
        'Methods of extensions. The methods of the protocol need no permission of their own; in deny, any method.',
    },
    tools: { ...patterns, description: 'Names of tools.' },
    resources: { ...patterns, description: 'URIs of resources.' },
    prompts: { ...patterns, description: 'Names of prompts.' },
  },
}
const per = { enum: ['identity', 'address', 'tool', 'server'] }
const scope = {
  per: { ...per, description: 'Whose calls are counted together.' },
  tools: { ...patterns, description: 'Only calls of these tools. Default: all requests.' },
  roles: { ...names, description: 'Only callers with one of these roles. Default: all.' },
}

/** The JSON Schema (draft-07) of a policy file. `tsmcp policy schema` prints it. */
export const policySchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'tsmcp policy',
  description: 'Who may do what with an MCP server, and how much of it.',
  type: 'object',
  additionalProperties: false,
  required: ['version'],
  properties: {
    $schema: { type: 'string' },
    version: { const: 1 },
    roles: {
      description:
        'Roles by their names. What no role allows is denied; what one denies, none allows.',
      type: 'object',
      maxProperties: 1000,
      propertyNames: { pattern: '^[A-Za-z0-9_.:-]{1,100}$' },
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          description: { type: 'string' },
          allow: permission,
          deny: permission,
        },
      },
    },
    grants: {
      description: 'Who has which roles.',
      type: 'array',
      maxItems: 10_000,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['roles', 'to'],
        properties: {
          roles: names,
          to: {
            description:
              'Whom it is for. All members must hold; of the values of one member, one is enough.',
            type: 'object',
            additionalProperties: false,
            minProperties: 1,
            properties: {
              everyone: { const: true, description: 'Anybody, known or not.' },
              anonymous: { const: true, description: 'Those without credentials.' },
              authenticated: { const: true, description: 'Those with credentials.' },
              subjects: { ...patterns, description: 'By who they are.' },
              issuers: {
                ...patterns,
                description: 'By the issuer of their token: two may both have an alice.',
              },
              scopes: { ...names, description: 'By a scope of their token or key.' },
              keys: { ...patterns, description: 'By the name of their API key.' },
              certificates: {
                ...patterns,
                description: 'By the subject or an alternative name of their certificate.',
              },
              claims: {
                description:
                  'By claims of their token; a dot in the name leads into an object. Of an array, one value is enough.',
                type: 'object',
                minProperties: 1,
                maxProperties: 100,
                additionalProperties: patterns,
              },
            },
          },
        },
      },
    },
    limits: {
      description: 'How much callers may do.',
      type: 'object',
      additionalProperties: false,
      properties: {
        rates: {
          type: 'array',
          maxItems: 100,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['per', 'rate'],
            properties: {
              ...scope,
              rate: {
                description: 'For instance 100/second, 1000/minute, 5000/hour, 100000/day.',
                type: 'string',
                pattern: '^[1-9][0-9]{0,8}/(second|minute|hour|day)$',
              },
              burst: {
                description: 'How many may come at once. Default: a tenth of the rate, at least 1.',
                type: 'integer',
                minimum: 1,
                maximum: 1_000_000_000,
              },
            },
          },
        },
        concurrency: {
          type: 'array',
          maxItems: 100,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['per', 'max'],
            properties: { ...scope, max: { type: 'integer', minimum: 1, maximum: 1_000_000 } },
          },
        },
        quotas: {
          type: 'array',
          maxItems: 100,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['per', 'max', 'period'],
            properties: {
              ...scope,
              max: { type: 'integer', minimum: 1, maximum: 1_000_000_000_000 },
              period: { enum: ['day', 'month'], description: 'Days and months of UTC.' },
            },
          },
        },
      },
    },
  },
} as const
