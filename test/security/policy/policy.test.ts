import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { decide } from '../../../src/security/policy/decide.ts'
import { compileGlob } from '../../../src/security/policy/glob.ts'
import { hasDotSegment } from '../../../src/security/policy/operation.ts'
import { loadPolicy, PolicyFile } from '../../../src/security/policy/policy-file.ts'
import { PolicyError, readPolicy } from '../../../src/security/policy/read-policy.ts'
import { RolePolicy } from '../../../src/security/policy/role-policy.ts'
import { temporaryFolder } from '../../support/folder.ts'
import { runs } from '../../support/fuzz.ts'

const policyText = `version: 1
roles:
  reader:
    allow: { tools: ["weather.*", time], resources: "docs://*", prompts: [greet] }
    deny:
      tools: ["*.admin"]
      resources: ["docs://secret*"]
  operator:
    allow:
      tools: "*"
      methods: audit/*
  locked:
    deny: { methods: ["*"] }
grants:
  - roles: reader
    to: { subjects: ["alice", "team-*"] }
  - roles: [operator]
    to: { scopes: mcp:admin, authenticated: true }
  - roles: operator
    to: { keys: "ci-*" }
  - roles: operator
    to: { claims: { "realm.groups": ops } }
  - roles: operator
    to: { certificates: "CN=build*" }
  - roles: locked
    to: { claims: { state: locked } }
`
const policy = new RolePolicy(readPolicy(policyText, 'policy.yaml'))
const may = (caller: object | undefined, method: string, name?: string) =>
  decide(policy, caller as never, method, name)

suite('roles and grants', () => {
  test('what a role allows is allowed, and the rule is named with its line', () => {
    assert.deepEqual(may({ subject: 'alice' }, 'tools/call', 'weather.today'), {
      allowed: true,
      rule: 'policy.yaml:4: role reader allows tools "weather.*"',
    })
    assert.equal(may({ subject: 'team-x' }, 'prompts/get', 'greet').allowed, true)
    assert.equal(may({ subject: 'alice' }, 'resources/read', 'docs://a/b').allowed, true)
  })

  test('what no role allows is denied, for nobody in particular too', () => {
    const { allowed, rule } = may({ subject: 'alice' }, 'tools/call', 'other')
    assert.deepEqual([allowed, rule], [false, 'no rule allows it (roles: reader)'])
    assert.match(may(undefined, 'tools/call', 'time').rule, /the caller has no role/)
    assert.equal(may({ subject: 'bob' }, 'resources/read', 'docs://a').allowed, false)
    assert.equal(may({ subject: 'alice' }, 'audit/read').allowed, false)
  })

  test('a deny goes before every allow, that of another role too', () => {
    const admin = { subject: 'alice', scopes: ['mcp:admin'] }
    assert.equal(may(admin, 'tools/call', 'anything').allowed, true)
    assert.deepEqual(may(admin, 'tools/call', 'weather.admin'), {
      allowed: false,
      rule: 'policy.yaml:6: role reader denies tools "*.admin"',
    })
    const locked = { subject: 'x', scopes: ['mcp:admin'], claims: { state: 'locked' } }
    assert.equal(may(locked, 'tools/list').allowed, false)
  })

  test('roles come by scope, claim, certificate and key', () => {
    for (const caller of [
      { subject: 'x', scopes: ['a', 'mcp:admin'] },
      { subject: 'x', claims: { api_key: { name: 'ci-7' } } },
      { subject: 'x', claims: { realm: { groups: ['dev', 'ops'] } } },
      { subject: 'x', claims: { 'realm.groups': 'ops' } },
      { subject: 'x', certificate: { subject: 'CN=build-1', altNames: [] } },
      { subject: 'x', certificate: { subject: 'O=x', altNames: ['CN=build-2'] } },
    ]) {
      assert.equal(may(caller, 'tools/call', 'anything').allowed, true, JSON.stringify(caller))
      assert.equal(may(caller, 'audit/read').allowed, true)
    }
    for (const caller of [
      { subject: 'x', scopes: ['mcp:adminx'] },
      { subject: 'ci-7', claims: { api_key: { name: 'x' } } },
      { subject: 'x', claims: { realm: { groups: ['oops'] } } },
      { subject: 'x', claims: { realm: 'ops', groups: 'ops' } },
    ]) {
      assert.equal(may(caller, 'tools/call', 'anything').allowed, false, JSON.stringify(caller))
    }
  })

  test('the methods of the protocol need no permission, those of extensions do', () => {
    for (const method of ['tools/list', 'ping', 'server/discover', 'tasks/get']) {
      assert.equal(may(undefined, method).allowed, true, method)
    }
    assert.equal(may(undefined, 'acme/export').allowed, false)
  })

  test('what is denied stays so in disguise, and no URI climbs', () => {
    const caller = { subject: 'alice' }
    for (const uri of [
      'docs://secret',
      'docs://%73ecret/x',
      'docs://a/../secret',
      'docs://a/%2e%2e/secret',
      'docs://a/..%2fsecret',
      'docs://a\\..\\secret',
      'docs://a/.',
    ]) {
      assert.equal(may(caller, 'resources/read', uri).allowed, false, uri)
    }
    assert.equal(may(caller, 'resources/read', 'docs://a/v1..2').allowed, true)
    assert.equal(hasDotSegment('docs://a/..b'), false)
  })

  test('callers of the same roles share one access, and so one view of lists', () => {
    const one = policy.accessOf({ subject: 'alice' })
    assert.equal(policy.accessOf({ subject: 'team-1' }), one)
    assert.notEqual(policy.accessOf({ subject: 'bob' }).key, one.key)
    const again = new RolePolicy(readPolicy(policyText, 'policy.yaml'))
    assert.notEqual(again.accessOf({ subject: 'alice' }).key, one.key)
  })

  test('a file of limits alone allows everything', () => {
    const open = new RolePolicy(readPolicy('version: 1\nlimits: {}\n', 'p'))
    assert.equal(decide(open, undefined, 'tools/call', 'x').allowed, true)
    assert.equal(open.accessOf(undefined).isOpen, true)
    const closed = new RolePolicy(readPolicy('version: 1\nroles: {}\n', 'p'))
    assert.equal(decide(closed, undefined, 'tools/call', 'x').allowed, false)
  })
})

suite('grants that name an issuer', () => {
  const trusting = new RolePolicy(
    readPolicy(
      `version: 1
roles: { root: { allow: { tools: "*" } } }
grants:
  - { roles: root, to: { subjects: alice, issuers: "https://one.example" } }
`,
      'policy.yaml',
    ),
  )
  const mayCall = (caller: object) =>
    decide(trusting, caller as never, 'tools/call', 'reset').allowed

  test('are not for an alice whom somebody else vouches for', () => {
    assert.equal(mayCall({ subject: 'alice', issuer: 'https://one.example' }), true)
    assert.equal(mayCall({ subject: 'alice', issuer: 'https://two.example' }), false)
    assert.equal(mayCall({ subject: 'alice', issuer: 'https://one.example.evil' }), false)
    assert.equal(mayCall({ subject: 'alice' }), false)
    assert.equal(mayCall({ subject: 'alice', claims: { iss: 'https://one.example' } }), false)
  })
})

suite('a policy file', () => {
  const problemsOf = (text: string): readonly string[] => {
    try {
      readPolicy(text, 'p.yaml')
    } catch (error) {
      if (error instanceof PolicyError) return error.problems
      throw error
    }
    return []
  }

  test('that is wrong is refused with line and reason', () => {
    for (const [text, problem] of [
      ['version: 2', 'p.yaml:1: version must be 1'],
      ['version: 1\nrolls: {}', 'p.yaml:2: there is no member "rolls"'],
      ['version: 1\nroles:\n  a:\n    alow: {}', 'p.yaml:4: roles.a there is no member "alow"'],
      [
        'version: 1\nroles: {}\ngrants:\n  - roles: nobody\n    to: { everyone: true }',
        'p.yaml:4: there is no role "nobody"',
      ],
      [
        'version: 1\nroles:\n  a:\n    allow:\n      methods: tools/call',
        'p.yaml:5: tools/call is allowed by naming tools, not the method',
      ],
      [
        'version: 1\nroles: { a: {} }\ngrants:\n  - roles: a\n    to: { everyone: true, keys: x }',
        'p.yaml:5: everyone stands alone',
      ],
      [
        'version: 1\nlimits:\n  rates:\n    - { per: person, rate: 1/second }',
        'p.yaml:4: limits.rates.0.per must be one of identity, address, tool, server',
      ],
    ] as const) {
      assert.deepEqual(problemsOf(text), [problem], text)
    }
    assert.match(problemsOf('version: 1\n  x: [')[0] ?? '', /^p\.yaml:\d: /)
    assert.match(problemsOf('a: &x 1\nversion: *x')[0] ?? '', /alias/i)
    assert.match(problemsOf('version: 1\nversion: 1')[0] ?? '', /p\.yaml:2: /)
  })

  test('may be JSON', () => {
    assert.deepEqual(problemsOf('{"version": 1, "roles": {}}'), [])
  })

  test('is followed: what is valid counts, what is not changes nothing', async (t) => {
    const path = join(temporaryFolder(t), 'policy.yaml')
    const write = (tools: string) =>
      writeFileSync(
        path,
        `version: 1\nroles: { r: { allow: { tools: ${tools} } } }\ngrants: [{ roles: r, to: { everyone: true } }]\n`,
      )
    write('a')
    let current: { may: (tool: string) => boolean } = { may: () => false }
    let told = () => {}
    const errors: unknown[] = []
    const file = await PolicyFile.open(path, {
      onPolicy: ({ authorizer }) => {
        current = { may: (tool) => decide(authorizer, undefined, 'tools/call', tool).allowed }
        told()
      },
      onError: (error) => {
        errors.push(error)
        told()
      },
    })
    t.after(() => file.close())
    assert.deepEqual([current.may('a'), current.may('b')], [true, false])
    // The file is watched: nobody calls reload.
    const next = () => new Promise<void>((resolve) => (told = resolve))
    let change = next()
    write('b')
    await change
    assert.deepEqual([current.may('a'), current.may('b')], [false, true])
    change = next()
    write('[')
    await change
    assert.ok(errors[0] instanceof PolicyError)
    assert.deepEqual([current.may('a'), current.may('b')], [false, true])
  })
})

suite('patterns', () => {
  test('match as the regular expression that they stand for', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.'), maxLength: 8 })
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 12 })
    fc.assert(
      fc.property(pattern, text, (glob, given) => {
        const source = glob.replaceAll('.', '\\.').replaceAll('*', '.*')
        assert.equal(compileGlob(glob)(given), new RegExp(`^${source}$`, 's').test(given))
      }),
      runs(),
    )
  })
})

suite('Cedar policies', () => {
  const cedar = `
@id("readers")
permit (principal is Caller, action == Action::"call", resource is Tool)
when { resource.name like "weather.*" && principal.scopes.contains("read") };
@id("no-admin")
forbid (principal, action, resource is Tool) when { resource.name like "*.admin" };
@id("docs")
permit (principal, action == Action::"read", resource);
`
  const load = async (folder: string, text: string) => {
    const path = join(folder, 'p.cedar')
    writeFileSync(path, text)
    return (await loadPolicy(path)).authorizer
  }

  test('decide behind the same interface', async (t) => {
    const authorizer = await load(temporaryFolder(t), cedar)
    const reader = { subject: 'alice', scopes: ['read'], claims: { n: 1, list: ['a'], f: 0.5 } }
    assert.deepEqual(decide(authorizer, reader, 'tools/call', 'weather.today'), {
      allowed: true,
      rule: 'p.cedar: readers permits it',
    })
    assert.deepEqual(decide(authorizer, reader, 'tools/call', 'weather.admin'), {
      allowed: false,
      rule: 'p.cedar: no-admin forbids it',
    })
    assert.match(decide(authorizer, reader, 'tools/call', 'x').rule, /no policy permits it/)
    assert.equal(decide(authorizer, { subject: 'bob' }, 'tools/call', 'weather.a').allowed, false)
    assert.equal(decide(authorizer, undefined, 'resources/read', 'docs://a').allowed, true)
    assert.equal(decide(authorizer, undefined, 'resources/read', 'docs://a/../b').allowed, false)
    assert.equal(decide(authorizer, undefined, 'tools/list', undefined).allowed, true)
  })

  test('that fail deny, so that a forbid is not passed over', async (t) => {
    const authorizer = await load(
      temporaryFolder(t),
      'permit (principal, action, resource);\nforbid (principal, action, resource) when { principal.claims.level > 3 };',
    )
    const decision = decide(authorizer, { subject: 'x', claims: {} }, 'tools/call', 'a')
    assert.equal(decision.allowed, false)
    assert.match(decision.rule, /failed/)
    const low = { subject: 'x', claims: { level: 1 } }
    assert.equal(decide(authorizer, low, 'tools/call', 'a').allowed, true)
  })

  test('that are none are refused with their line', async (t) => {
    await assert.rejects(
      load(temporaryFolder(t), 'permit (principal, action, resource);\n\nforbid ('),
      /^PolicyError: p\.cedar:3: /,
    )
  })
})
