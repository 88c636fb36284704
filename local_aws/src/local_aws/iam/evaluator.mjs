// Judges requests by @cloud-copilot/iam-simulate: one JSON line in, one JSON line out.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

// Its packages need not lie above this file.
const required = createRequire(`${process.argv[2]}/`)
const { getDenialReasons, getGrantReasons, runSimulation, runUnsafeSimulation } = required('@cloud-copilot/iam-simulate')

// The same object for the same document: the library validates an object only once.
const documents = new Map()

const named = (policies) => policies.map(({ name, key }) => ({ name, policy: documents.get(key) }))

// An asterisk in a request is a character, not a pattern; and a pattern's asterisk stands for
// any character, which the library's stops doing at a line end.
const literal = (resource) =>
  resource === '*' ? resource : resource.replaceAll('*', '%2A').replace(/[\r\n\u2028\u2029]/g, '%0A')

function simulation(requested) {
  return {
    request: {
      principal: requested.principal ?? { type: 'Anonymous' },
      action: requested.action,
      resource: { resource: literal(requested.resource), accountId: requested.account },
      contextVariables: requested.context
    },
    identityPolicies: named(requested.identity),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(requested.boundary && { permissionBoundaryPolicies: named([requested.boundary]) }),
    ...(requested.session && { sessionPolicy: documents.get(requested.session.key) }),
    ...(requested.resourcePolicy && { resourcePolicy: documents.get(requested.resourcePolicy.key) })
  }
}

async function judge(requested) {
  const given = simulation(requested)
  if (requested.beyondReference && requested.resource === '*') return onEverything(given)
  const found = await runSimulation(given, {})
  if (found.resultType !== 'single') {
    return requested.beyondReference ? beyondReference(given) : { error: JSON.stringify(found.errors ?? found.resultType) }
  }
  const { analysis } = found.result
  return {
    result: found.overallResult,
    denials: [...sessionDenials(analysis.sessionAnalysis), ...getDenialReasons(analysis)],
    grants: found.overallResult === 'Allowed' ? getGrantReasons(analysis) : []
  }
}

function sessionDenials(analysis) {
  if (!analysis || analysis.result === 'Allowed') return []
  const denialType = analysis.result === 'ExplicitlyDenied' ? 'Explicit' : 'Implicit'
  return [{ policyType: 'session', denialType, blocking: true }]
}

// A statement about some resources does not allow what is about all. The library would take it: it
// reads the asterisk as a pattern. No pattern of AWS's resources matches this one.
function onEverything(given) {
  return beyondReference({ ...given, request: { ...given.request, resource: { ...given.request.resource, resource: 'arn:all:-:-:-:-' } } })
}

// AWS authorizes a few actions on resources that its own reference does not list. The
// unchecked evaluation takes those, but has no session policies and names no statements.
function beyondReference(given) {
  const run = (changed) => runUnsafeSimulation({ ...given, ...changed }, {})
  const steps = [
    ...(given.sessionPolicy ? [['session', { identityPolicies: [{ name: 'session', policy: given.sessionPolicy }], permissionBoundaryPolicies: undefined }]] : []),
    ['identity', { permissionBoundaryPolicies: undefined }],
    ['pb', {}]
  ]
  for (const [policyType, changed] of steps) {
    const result = run(changed)
    if (result !== 'Allowed') {
      return { result, denials: [{ policyType, denialType: result === 'ExplicitlyDenied' ? 'Explicit' : 'Implicit' }], grants: [] }
    }
  }
  return { result: 'Allowed', denials: [], grants: [] }
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const requested = JSON.parse(line)
    for (const [key, document] of Object.entries(requested.documents)) documents.set(key, document)
    answer = await judge(requested)
  } catch (error) {
    answer = { error: String(error?.stack ?? error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
